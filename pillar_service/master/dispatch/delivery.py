"""Brings lines and results to the service; what it does not take now is kept and sent again later."""

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pillar_service.core.errors import Conflict, Failed, Forbidden, Invalid, NotFound, SaltcellarError
from pillar_service.master.client import Client
from pillar_service.master.dispatch import events
from pillar_service.master.dispatch.backoff import Backoff
from pillar_service.master.dispatch.runs import Held, Runs
from pillar_service.master.dispatch.salt_master import SaltMaster

log = logging.getLogger(__name__)

Told = dict[str, Any]
"""A result as the private app takes it."""

BATCH_S = 0.1
"""For how long lines are gathered before they are sent, in seconds."""

IN_CACHE_WITHIN_S = 2.0
"""For how many seconds after a return's event its result is looked for again and again: the master sends the event before it
stores the result (salt.utils.job._store_job)."""

AT_ONCE, AT_ONCE_BYTES = 100, 4 << 20
"""The most results, and about the most bytes of results, in one request."""

LARGEST = 16 << 20
"""The most bytes of one result, which are well below what the service takes (web/private.py): one that it refused would hold
up all that come after it."""

DEEPEST = 64
"""How deep a result may be nested; nothing of ours looks below that."""

SWEEP_S = 2.0
"""How often all runs are looked up, in seconds, whether or not anything was heard of them."""


def follow(client: Client, master: SaltMaster, runs: Runs, stop: threading.Event) -> None:
    """Delivers until it is stopped."""
    backoff, swept = Backoff(stop), 0.0
    while not stop.is_set():
        awaited = runs.take_returned(IN_CACHE_WITHIN_S)
        if not awaited:
            runs.woken.wait(SWEEP_S)
        runs.woken.clear()
        sweeping = time.monotonic() - swept >= SWEEP_S
        try:
            deliver(client, master, runs, runs.all() if sweeping else runs.take_returned(IN_CACHE_WITHIN_S))
            swept = time.monotonic() if sweeping else swept
            backoff.reset()
        except SaltcellarError as error:
            log.warning("Lines and results can't be delivered yet: %s", error)
            backoff.wait()
        stop.wait(BATCH_S / 2 if runs.take_returned(IN_CACHE_WITHIN_S) else BATCH_S)


def deliver(client: Client, master: SaltMaster, runs: Runs, awaited: list[Held]) -> None:
    """Hands in all lines, then the results of those awaited runs that have one."""
    _hand_in_lines(client, runs, runs.all())
    there = ((held, master.returned(held.jid, held.node)) for held in awaited)
    for some in _batches((held, _told(held, found)) for held, found in there if found is not None):
        for held, told in some:
            _add_last_lines(runs, held, told)
        _hand_in_lines(client, runs, [held for held, _ in some])
        refused = client.results({held.id: told for held, told in some})
        for held, _ in some:
            if _is_settled(held, refused.get(held.id)):
                log.info("Delivered the result: %s", held.about)
                runs.drop(held.jid)


def _hand_in_lines(client: Client, runs: Runs, some: list[Held]) -> None:
    for held in some:
        if lines := runs.lines_of(held):
            _handed_in(runs, held, client.lines, held.id, lines)
            runs.forget_lines(held, lines)  # even if the service failed at them: the result has them, too


def _add_last_lines(runs: Runs, held: Held, told: Told) -> None:
    """Adds the lines of all states in the result: some may not have been sent while they ran, or are late, or were lost."""
    for line in events.of_return(held.jid, told["return"]):
        runs.add_line(held.jid, held.node, *line)


def _batches(results: Iterable[tuple[Held, Told]]) -> Iterator[list[tuple[Held, Told]]]:
    """Groups results into requests of at most ``AT_ONCE`` and ``AT_ONCE_BYTES``; a larger result goes alone."""
    some, size = [], 0
    for held, found in results:
        told, weight = _weighed(found)
        if some and (len(some) == AT_ONCE or size + weight > AT_ONCE_BYTES):
            yield some
            some, size = [], 0
        some.append((held, told))
        size += weight
    if some:
        yield some


def _weighed(told: Told) -> tuple[Told, int]:
    """A result, and how many bytes it has; one that is larger than ``LARGEST`` is a failure that says so."""
    weight = len(json.dumps(told))
    if weight <= LARGEST:
        return told, weight
    said = f"The node returned {weight >> 20} MiB; at most {LARGEST >> 20} MiB are taken."
    return {**told, "return": said, "success": False, "retcode": 1}, len(said)


def hand_in_result(client: Client, master: SaltMaster, runs: Runs, held: Held) -> bool:
    """Hands in a run's result if there is one; returns whether there was."""
    found = master.returned(held.jid, held.node)
    if found is None:
        return False
    hand_in(client, runs, held, found)
    return True


def hand_in(client: Client, runs: Runs, held: Held, found: Mapping[str, Any]) -> None:
    """Hands in what a run returned (``return``, ``success``, ``retcode``)."""
    told, _ = _weighed(_told(held, found))
    _add_last_lines(runs, held, told)
    _hand_in_lines(client, runs, [held])
    if _handed_in(runs, held, client.result, held.id, told):
        log.info("Delivered the result: %s", held.about)
        runs.drop(held.jid)


def _told(held: Held, found: Mapping[str, Any]) -> Told:
    code = found.get("retcode", 0)
    return {
        "jid": held.jid,
        "node": held.node,
        "return": _plain(found.get("return")),
        "success": bool(found.get("success", True)),
        "retcode": code if isinstance(code, int) else 1,
    }


def _plain(returned: Any, deepest: int = DEEPEST) -> Any:
    """What a node returned, made fit for JSON: it may hold anything that Salt's own format allows."""
    if isinstance(returned, str | int | None):
        return returned
    if isinstance(returned, float):
        return returned if math.isfinite(returned) else str(returned)
    if isinstance(returned, bytes):
        return returned.decode(errors="replace")
    if not deepest:
        return "…"
    if isinstance(returned, Mapping):
        return {str(_plain(key, 0)): _plain(value, deepest - 1) for key, value in returned.items()}
    if isinstance(returned, list | tuple):
        return [_plain(one, deepest - 1) for one in returned]
    return str(returned)


def _handed_in(runs: Runs, held: Held, method: Callable[..., None], *arguments: Any) -> bool:
    """Calls ``method`` of the client; returns whether the service took what was handed in, or never will.

    Raises errors that concern all runs alike (the service is away, our token is wrong).
    """
    try:
        method(*arguments)
    except (Conflict, Forbidden, NotFound, Invalid, Failed) as error:
        if not _is_settled(held, error):
            return False
        runs.drop(held.jid)
    return True


def _is_settled(held: Held, error: SaltcellarError | None) -> bool:
    """Whether the service is done with what a run brought: it took it, or never will."""
    if isinstance(error, Failed):
        # The service failed at this one, which must not hold up the others; it is tried again with the next sweep.
        log.error("The service failed on what run %s (jid %s) returned: %s", held.id, held.jid, error)
        return False
    if error is not None:
        # The service will never take it: the run was given up there, or what the node returned is unusable.
        log.error("The service refused what run %s (jid %s) returned: %s", held.id, held.jid, error)
    return True
