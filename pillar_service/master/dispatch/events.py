"""Follows the master's event bus: returns, which only wake the delivery; states' progress, which becomes lines; and starts."""

import logging
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import salt.utils.event

from pillar_service.core import names
from pillar_service.core.jobs import outcomes
from pillar_service.master.dispatch.arrivals import Arrivals
from pillar_service.master.dispatch.backoff import Backoff
from pillar_service.master.dispatch.runs import Runs

log = logging.getLogger(__name__)

LINE_LENGTH = 500
MOST_WRITTEN = 200
MARKS = {True: "ok", False: "failed", None: "would change"}


def follow(opts: Mapping[str, Any], runs: Runs, arrivals: Arrivals, stop: threading.Event) -> None:
    """Reads the bus until it is stopped, and reconnects when it is lost; nothing depends on hearing every event."""
    backoff = Backoff(stop)
    while not stop.is_set():
        try:
            with salt.utils.event.get_master_event(opts, opts["sock_dir"], raise_errors=True) as bus:
                arrivals.greet_all()
                while not stop.is_set():
                    event = bus.get_event(wait=5, tag="salt/", full=True)
                    if event is not None:
                        backoff.reset()
                        _heard(event["tag"], event["data"], runs, arrivals)
                    arrivals.catch_up()
        except Exception as error:  # Salt's transport raises various kinds when the publisher ends.
            log.warning("The master's event bus was lost (%r); connecting again.", error)
        backoff.wait()


def _heard(tag: str, data: Any, runs: Runs, arrivals: Arrivals) -> None:
    """Handles an event, and only logs errors: a node may send anything, and only the bus's own failures need a reconnect."""
    try:
        heard(tag, data, runs, arrivals)
    except Exception as error:
        log.warning("The event %s makes no sense (%s).", tag[:200], type(error).__name__)


def heard(tag: str, data: Any, runs: Runs, arrivals: Arrivals) -> None:
    """Handles one event.

    The guard lets a node speak only of itself; even so, a return is looked up in the job cache, and a line must belong to one
    of the run's bots.
    """
    match tag.split("/"):
        case ["salt", "job", jid, "ret", node]:
            runs.returned(jid, node)
        case ["salt", "run", jid, "ret"]:
            runs.returned(jid, None)
        case ["salt", "minion", node, "start"]:
            arrivals.greet(node)
        case ["salt", "job", jid, "prog", node, number]:
            progress = data.get("data") if isinstance(data, dict) else None
            state = progress.get("ret") if isinstance(progress, dict) else None
            if isinstance(state, dict):
                for line in lines(jid, number, state):
                    runs.add_line(jid, node, *line)


def of_return(jid: str, returned: Any) -> Iterator[tuple[str, str, str]]:
    """The lines of all states in a run's result, in order, with the same keys as when the node sent them before."""
    told = returned.values() if isinstance(returned, dict) else ()
    states = [one for one in told if isinstance(one, dict) and one.get("__id__") and "__run_num__" in one]
    for state in sorted(states, key=outcomes.number):
        yield from lines(jid, str(state["__id__"]), state)


def lines(jid: str, number: str, state: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The lines of a state as (key, state id, text): those of its log, if it has one, and one that says how it went.

    A state with a log concerns all bots of the run, so its lines have no state id and are for each of them. If it gives the
    number of its log's first line (``log_from``), lines have the same keys while it runs and at its end. A state that
    ``goes_on`` has only its log so far.
    """
    jid, number = jid[:40], number[:40]
    state_id, written, first = str(state.get("__id__", "")), state.get("log"), state.get("log_from")
    if isinstance(written, list):
        part, at = ("log", first) if isinstance(first, int) else (number, 0)
        kept = list(enumerate(written, at))[-MOST_WRITTEN:]
        yield from ((f"{jid}/{part}.{n}", "", str(text)[:LINE_LENGTH]) for n, text in kept)
    if not state.get("goes_on"):
        yield f"{jid}/{number}", "" if isinstance(written, list) else state_id, told(state_id, state)


def told(state_id: str, state: Mapping[str, Any]) -> str:
    """A state's line, printable and of at most 500 characters: what part of the bot, how it went, and Salt's comment."""
    what = state_id.partition(" ")[2] or state_id
    comment, result = " ".join(str(state.get("comment", "")).split()), state.get("result")
    mark = MARKS[result] if isinstance(result, bool | None) else "unclear"
    line = f"{what}: {mark}{', changed' if state.get('changes') else ''}. {comment}"
    return names.printable(line, "?")[:LINE_LENGTH].strip()
