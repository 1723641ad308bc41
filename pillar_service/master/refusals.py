"""Turning the service's refusals into the errors that they stand for."""

import json
from collections.abc import Mapping
from typing import Any

from pillar_service.core import errors
from pillar_service.master.wire import Answer

EVERY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SaltcellarError)]
"""The classes in core.errors itself. Subclasses in other rooms are no problem's title, and may take more than a sentence."""

KINDS = {(kind.status, kind.title): kind for kind in EVERY}
BY_STATUS = {kind.status: kind for kind in reversed(EVERY[1:])}


def refusal(answer: Answer, origin: str) -> errors.SaltcellarError:
    """The error for an answer of 400 or more, with the sentence of its problem document (RFC 9457)."""
    try:
        told = json.loads(answer.body) if answer.content_type == "application/problem+json" else {}
    except (ValueError, RecursionError):
        told = {}
    fallback = f"{origin} answered {answer.status} without a reason."
    return problem(answer.status, told if isinstance(told, dict) else {}, fallback)


def problem(status: int, told: Mapping[str, Any], fallback: str) -> errors.SaltcellarError:
    """The error that a problem document describes, with ``fallback`` if it has no sentence."""
    unknown = errors.Unavailable if status >= 500 else errors.Invalid
    kind = KINDS.get((status, str(told.get("title"))), BY_STATUS.get(status, unknown))
    detail = told.get("detail")
    return kind(detail if isinstance(detail, str) and detail else fallback)
