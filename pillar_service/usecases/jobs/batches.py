"""Batches: what a master says of many runs at once, in one transaction. One that is refused does not fail the others."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pillar_service.core.errors import Failed, Invalid, SaltcellarError, Unavailable
from pillar_service.store.database import transaction
from pillar_service.usecases.jobs import runs
from pillar_service.usecases.jobs.runs import Returned

log = logging.getLogger(__name__)

MOST = 1000
"""The most runs at a time."""

RETURNED = ("jid", "node", "return", "success", "retcode")

Told = TypeVar("Told")
Refused = dict[str, SaltcellarError]
"""Why each run was refused that was, by its id."""


def started(master: str, jids: object) -> Refused:
    """Written before the runs (id: jid) are published. None of those refused is this master's to publish."""
    now = time.time()
    return _each(_checked(jids), lambda these: runs.start(master, these, now))


def results(told: object) -> Refused:
    """Take what nodes returned, by run, each as `runs.result` does."""
    now = time.time()
    return _each(_checked(told), lambda these: runs.settle({id: _returned(one) for id, one in these.items()}, now))


def _checked(told: object) -> Mapping[str, Any]:
    if not isinstance(told, Mapping) or len(told) > MOST:
        raise Invalid(f"Send an object with at most {MOST} runs, by their ids.")
    return told


def _returned(one: object) -> Returned:
    if not isinstance(one, Mapping) or set(one) - set(RETURNED):
        raise Invalid(f"What a run returned is an object with {', '.join(RETURNED)}.")
    return Returned(*(one.get(key) for key in RETURNED))


def _each(told: Mapping[str, Told], act: Callable[[Mapping[str, Told]], None]) -> Refused:
    """All in one transaction; when that fails at one of them, each in its own."""
    if _refusal(told, act) is None:
        return {}
    apart = {id: _refusal({id: one}, act) for id, one in told.items()}
    return {id: error for id, error in apart.items() if error is not None}


def _refusal(told: Mapping[str, Told], act: Callable[[Mapping[str, Told]], None]) -> SaltcellarError | None:
    """Why nothing was written of these; None when all was. Raises Unavailable, which concerns all alike."""
    try:
        with transaction():
            act(told)
    except Unavailable:
        raise
    except SaltcellarError as error:
        return error
    except UnicodeEncodeError:
        return Invalid("It holds characters that are no text (lone surrogates): leave them out.")
    except Exception:
        log.exception("%d runs, the first %s", len(told), next(iter(told), None))
        return Failed("Something went wrong on our side: it is in the service's log.")
    return None
