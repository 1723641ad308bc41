"""A container as machines see it, and its restart. Each thread keeps its own connection to Docker.

One listing serves all looks within a second; a container that the listing shows unchanged is not inspected again.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pillar_service.core.errors import Conflict, NotFound, Unavailable
from pillar_service.node import containers, pulses
from pillar_service.node.inspections import Inspections
from pillar_service.node.machines import tree

GRACE_S = 5
"""Seconds that a container has to stop before it is killed."""

MOST_KEPT = 1000

FRESH_S = 1.0
"""Seconds for which one look serves everybody."""

_kept = threading.local()
_looking = threading.Lock()
_listed: tuple[float, dict[str, Mapping[str, Any]]] = float("-inf"), {}
_inspections = Inspections()
_looked: dict[str, tuple[float, dict[str, Any]]] = {}


@contextlib.contextmanager
def _engine() -> Iterator[Any]:
    """This thread's Docker client; after a failure the next call makes a new one."""
    stack: contextlib.ExitStack | None = getattr(_kept, "stack", None)
    if stack is None:
        stack = _kept.stack = contextlib.ExitStack()
        try:
            _kept.client = stack.enter_context(containers.engine(timeout_s=60))
        except BaseException:
            _kept.stack = None
            raise
    try:
        with containers.errors():
            yield _kept.client
    except Unavailable:
        stack.close()
        _kept.stack = None
        raise


def bots(node: str) -> dict[str, str]:
    """The name of each bot's container on this node, by bot id; raises Unavailable if Docker does not answer."""
    with _looking:
        listed = _listing().values()
    ours = containers.by_bot(one for one in listed if one["Labels"].get(containers.NODE_LABEL) == node)
    return {bot: containers.name(one) for bot, one in ours.items()}


def look(name: str) -> dict[str, Any]:
    """What Docker and the kernel say about a container; raises Unavailable if Docker does not answer."""
    with _looking:
        at, seen = _looked.get(name, (0.0, {}))
        if not seen or time.monotonic() - at > FRESH_S:
            if len(_looked) > MOST_KEPT:
                _looked.clear()
            seen = _seen(_told(name))
            _looked[name] = time.monotonic(), seen
        return dict(seen)


def _listing() -> dict[str, Mapping[str, Any]]:
    """All containers by name."""
    global _listed
    if time.monotonic() - _listed[0] > FRESH_S:
        with _engine() as client:
            found = {containers.name(one): one for one in client.containers(all=True)}
        _listed = time.monotonic(), found
    return _listed[1]


def _told(name: str) -> Mapping[str, Any] | None:
    """What Docker says about a container; None if there is no such container."""
    try:
        return _inspections.of(name, _listing().get(name), _inspect)
    except NotFound:
        return None


def _inspect(name: str) -> Mapping[str, Any]:
    with _engine() as client:
        told: Mapping[str, Any] = client.inspect_container(name)
        return told


def _seen(told: Mapping[str, Any] | None) -> dict[str, Any]:
    state = told["State"] if told else {"Status": "missing", "Running": False}
    return {
        "exists": told is not None,
        "status": state["Status"],
        "running": bool(state["Running"]),
        "health": pulses.health(told) if told else "none",
        "stopped": tree.is_stopped(int(state.get("Pid") or 0)),
        "restarts": int(told["RestartCount"]) if told else 0,
        "out_of_memory": bool(state.get("OOMKilled")),
        "exit_code": int(state.get("ExitCode") or 0),
        "uptime_s": containers.uptime_s(told) if told else 0,
    }


def restart(name: str) -> None:
    """Restart a running container, as `docker restart -t 5` does; raises Conflict if it does not run."""
    with _engine() as client:
        if not client.inspect_container(name)["State"]["Running"]:
            raise Conflict("The container was stopped on purpose, so it was left that way.")
        client.restart(name, timeout=GRACE_S)
    _looked.pop(name, None)
    _inspections.forget(name)
