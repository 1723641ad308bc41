"""For which request this process of the minion works, as its master says beside the call (``metadata``).

The request is only logged, in the minion's log; no decision depends on it.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import salt.utils.msgpack

from pillar_service.core import names, tracing

log = logging.getLogger(__name__)

_told: set[str] = set()
"""The jids that this process has logged: a state run calls many functions."""


def begun(opts: Mapping[str, Any]) -> None:
    """Log what this process carries out, and for which jobs and requests; once for each jid."""
    for call in _mine(opts):
        if call["jid"] not in _told:
            _told.add(call["jid"])
            log.info("Carries out %s: jid=%s node=%s %s", call["fun"], call["jid"], opts["id"], _asked(call))


def jid(opts: Mapping[str, Any]) -> str | None:
    """The jid under which this process of the minion works; None if no master asked for it."""
    return next((str(call["jid"]) for call in _mine(opts)), None)


def _mine(opts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (call for call in _calls(Path(opts["cachedir"]) / "proc") if call.get("pid") == os.getpid())


def _calls(folder: Path) -> Iterator[dict[str, Any]]:
    """What the minion writes down about each running call (salt.minion.Minion._thread_return); files may vanish meanwhile."""
    for file in folder.glob("[0-9]*"):
        try:
            told = salt.utils.msgpack.unpackb(file.read_bytes(), raw=False)
        except (OSError, ValueError):
            continue
        if isinstance(told, dict):
            yield told


def run(opts: Mapping[str, Any]) -> str | None:
    """The id of the run that this process carries out; None for a call by hand."""
    found = (_beside(call).get("run") for call in _mine(opts))
    return next((id for id in found if names.is_id(id)), None)


def _beside(call: Mapping[str, Any]) -> Mapping[str, Any]:
    told = call.get("metadata")
    told = told.get("saltcellar") if isinstance(told, Mapping) else None
    return told if isinstance(told, Mapping) else {}


def _asked(call: Mapping[str, Any]) -> str:
    told = _beside(call)
    if not told:
        return "(by hand)"
    jobs = told.get("jobs")
    return tracing.listed(str(told.get("run")), jobs if isinstance(jobs, Mapping) else {})
