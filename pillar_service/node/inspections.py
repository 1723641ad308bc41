"""What Docker says about a container, asked again only when it may have changed.

A container that has not changed is not inspected each time: Docker takes ten times as long for that as the kernel takes to
say that a process still lives.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pillar_service.node.machines import tree

STEADY_S = 30.0
"""Seconds after which even a container that seems unchanged is inspected again."""

MOST_KEPT = 1000


@dataclass(frozen=True)
class _Inspected:
    """What Docker said about a container, when, and which process it ran."""

    at: float
    process: object
    told: Mapping[str, Any]

    def holds(self, listed: Mapping[str, Any] | None) -> bool:
        """Whether this still holds: the same process runs, and the container's own health check says the same."""
        return (
            listed is not None
            and time.monotonic() - self.at < STEADY_S
            and self.process is not None
            and listed["Id"] == self.told["Id"]
            and listed["State"] == self.told["State"]["Status"] == "running"
            and _health(listed) == (self.told["State"].get("Health") or {}).get("Status", "none")
            and tree.mark(int(self.told["State"]["Pid"])) == self.process
        )


def _health(listed: Mapping[str, Any]) -> str:
    """A listed container's health, which follows its status in brackets: "Up 3 minutes (healthy)"; "none" without a check."""
    said = str(listed["Status"])
    return said[said.index("(") + 1 : -1].removeprefix("health: ") if said.endswith(")") else "none"


class Inspections:
    """Inspections of containers by name, or by whatever else ``inspect`` takes."""

    def __init__(self) -> None:
        self._kept: dict[str, _Inspected] = {}

    def of(
        self, name: str, listed: Mapping[str, Any] | None, inspect: Callable[[str], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """What Docker says about a container: ``Id``, ``State``, ``RestartCount``, ``Mounts``, ``HostConfig``.

        ``listed`` is its entry in Docker's list, and ``inspect`` asks Docker; raises what ``inspect`` raises.
        """
        known = self._kept.get(name)
        if known is None or not known.holds(listed):
            self.forget(name)
            known = self._kept[name] = _inspected(inspect(name))
        return known.told

    def forget(self, name: str) -> None:
        """Have this container inspected the next time; or all of them, if too many are kept."""
        self._kept.pop(name, None)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()


def _inspected(told: Mapping[str, Any]) -> _Inspected:
    mounts = [{key: one.get(key) for key in ("Source", "Destination")} for one in told.get("Mounts") or ()]
    kept = {"Id": told["Id"], "State": told["State"], "RestartCount": int(told.get("RestartCount") or 0)}
    kept |= {"Mounts": mounts, "HostConfig": {"Memory": told["HostConfig"].get("Memory") or 0}}
    return _Inspected(time.monotonic(), tree.mark(int(told["State"].get("Pid") or 0)), kept)
