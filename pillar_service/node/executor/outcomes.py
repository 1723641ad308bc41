"""The outcome of a run: the object that is returned through Salt and kept on this node for a day."""

import json
import signal
import time
from typing import Any

from pillar_service.core.errors import SaltcellarError
from pillar_service.node.executor.output import Output
from pillar_service.node.executor.records import RUNNING, Record

DONE, FAILED, TIMED_OUT, KILLED, NOT_BEGUN = "done", "failed", "timed_out", "killed", "not_begun"

INTERRUPTED = "The minion stopped while this was running, which ended it: part of its work may be done."


USED_UP = {signal.SIGXCPU: "its limit of CPU time", signal.SIGXFSZ: "its limit on the size of files"}


def of(record: Record) -> dict[str, Any] | None:
    """The recorded outcome of a run; None when it was not begun. The caller must hold the record.

    A run that was begun and has no outcome was interrupted: if it still ran, its warden would hold the record.
    """
    told = record.read()
    if told is None or told["state"] != RUNNING:
        return told
    told = _base(record, KILLED) | {"error": INTERRUPTED}
    record.write(told)
    return told


def _base(record: Record, state: str) -> dict[str, Any]:
    return {
        "job": record.job,
        "attempt": record.attempt,
        "state": state,
        "exit_code": None,
        "lines": 0,
        "dropped": 0,
        "head": [],
        "tail": [],
        "seconds": 0.0,
        "error": None,
    }


def not_begun(record: Record, why: str) -> dict[str, Any]:
    """The outcome when nothing was run. It is not written down, so this attempt can be asked for again."""
    return _base(record, NOT_BEGUN) | {"error": why}


def refused(record: Record, error: SaltcellarError) -> dict[str, Any]:
    """The outcome of a run refused before it began: "failed" for a permanent error, otherwise "not_begun"."""
    return not_begun(record, error.sentence) if not error.permanent else failed(record, error.sentence)


def failed(record: Record, why: str) -> dict[str, Any]:
    """The outcome when it could not be run and trying again is no use."""
    return _base(record, FAILED) | {"error": why}


def running(record: Record, command: str, user: str) -> dict[str, Any]:
    """What is written down of a run that begins now (``since``, Unix seconds)."""
    told = {"job": record.job, "attempt": record.attempt, "state": RUNNING}
    return told | {"command": command, "user": user, "since": round(time.time(), 3)}


def report(written: bytes) -> dict[str, Any]:
    """A warden's report; "killed" if there is none, because the warden itself was killed."""
    try:
        return dict(json.loads(written))
    except ValueError:
        return {"why": KILLED, "exit_code": None, "signal": None, "left": 0}


def ended(record: Record, told: dict[str, Any], output: Output, timeout_s: int) -> dict[str, Any]:
    """The outcome of a run that ended as its warden's report (``told``) says."""
    state = told["why"] or (DONE if told["exit_code"] == 0 else FAILED)
    return _base(record, state) | {
        "exit_code": told["exit_code"],
        "lines": output.count,
        "dropped": output.dropped,
        "head": output.head,
        "tail": output.tail,
        "seconds": told["seconds"],
        "error": _sentence(state, told, timeout_s),
        **({"left": told["left"]} if told["left"] else {}),
    }


def _sentence(state: str, told: dict[str, Any], timeout_s: int) -> str | None:
    if state == DONE:
        return None
    if state == TIMED_OUT:
        return f"It did not finish within {timeout_s} s, and was ended."
    if state == KILLED:
        return "It was stopped."
    if told["signal"] in USED_UP:
        return f"It reached {USED_UP[told['signal']]}, and was ended."
    if told["signal"]:
        return f"It was ended by the signal {told['signal']}: it may have reached one of its limits."
    return f"It ended with the exit code {told['exit_code']}."
