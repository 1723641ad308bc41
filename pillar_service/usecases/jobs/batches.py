"""Batches: a master reports on many runs at once, in one transaction; refusing one does not affect the others."""

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
"""The most runs in one batch."""

RETURNED = ("jid", "node", "return", "success", "retcode")

Told = TypeVar("Told")
Refused = dict[str, SaltcellarError]
"""Why runs were refused, by run id."""


def started(master: str, jids: object) -> Refused:
    """The master is about to publish these runs (id: jid); it must not publish those that are refused."""
    now = time.time()
    return _each(_checked(jids), lambda these: runs.start(master, these, now))


def results(told: object) -> Refused:
    """Take what nodes returned, by run id, each as `runs.result` does."""
    now = time.time()
    return _each(_checked(told), lambda these: runs.settle({id: _returned(one) for id, one in these.items()}, now))


def _checked(told: object) -> Mapping[str, Any]:
    if not isinstance(told, Mapping) or len(told) > MOST:
        raise Invalid(f"Send an object with at most {MOST} runs, by their ids.")
    return told


def _returned(one: object) -> Returned:
    if not isinstance(one, Mapping) or set(one) - set(RETURNED):
        raise Invalid(f"What a run returned must be an object with {', '.join(RETURNED)}.")
    return Returned(*(one.get(key) for key in RETURNED))


def _each(told: Mapping[str, Told], act: Callable[[Mapping[str, Told]], None]) -> Refused:
    """Process all in one transaction; if that fails, each in a transaction of its own."""
    if _refusal(told, act) is None:
        return {}
    apart = {id: _refusal({id: one}, act) for id, one in told.items()}
    return {id: error for id, error in apart.items() if error is not None}


def _refusal(told: Mapping[str, Told], act: Callable[[Mapping[str, Told]], None]) -> SaltcellarError | None:
    """Why none of these was written; None if all were. Raises Unavailable, which concerns all of them."""
    try:
        with transaction():
            act(told)
    except Unavailable:
        raise
    except SaltcellarError as error:
        return error
    except UnicodeEncodeError:
        return Invalid("It contains characters that are not text (lone surrogates): leave them out.")
    except Exception:
        log.exception("%d runs, the first %s", len(told), next(iter(told), None))
        return Failed("Something went wrong on our side: it is in the service's log.")
    return None
