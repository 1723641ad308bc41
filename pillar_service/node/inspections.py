"""What Docker says of a container, asked again only once that may have changed.

A container that goes on as it did is not inspected each time: Docker takes ten times as long for that as the kernel for saying
that a process still lives.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pillar_service.node.machines import tree

STEADY_S = 30.0
"""For how long a container that goes on as it did is not inspected."""

MOST_KEPT = 1000


@dataclass(frozen=True)
class _Inspected:
    """What Docker said of a container when it was inspected, and which process it was."""

    at: float
    process: object
    told: Mapping[str, Any]

    def holds(self, listed: Mapping[str, Any] | None) -> bool:
        """Whether it is still so: the same process runs, and its own health check says the same."""
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
    """What the health check of a listed container says: "Up 3 minutes (healthy)"; without one there is nothing in brackets."""
    said = str(listed["Status"])
    return said[said.index("(") + 1 : -1].removeprefix("health: ") if said.endswith(")") else "none"


class Inspections:
    """Those of containers by name, or by whatever else ``inspect`` takes."""

    def __init__(self) -> None:
        self._kept: dict[str, _Inspected] = {}

    def of(
        self, name: str, listed: Mapping[str, Any] | None, inspect: Callable[[str], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """What Docker says of a container that it lists so: ``Id``, ``State``, ``RestartCount``, ``Mounts``, ``HostConfig``.

        Raises what ``inspect`` raises, which asks Docker.
        """
        known = self._kept.get(name)
        if known is None or not known.holds(listed):
            self.forget(name)
            known = self._kept[name] = _inspected(inspect(name))
        return known.told

    def forget(self, name: str) -> None:
        """Ask for this one the next time; for all, where too many are kept."""
        self._kept.pop(name, None)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()


def _inspected(told: Mapping[str, Any]) -> _Inspected:
    mounts = [{key: one.get(key) for key in ("Source", "Destination")} for one in told.get("Mounts") or ()]
    kept = {"Id": told["Id"], "State": told["State"], "RestartCount": int(told.get("RestartCount") or 0)}
    kept |= {"Mounts": mounts, "HostConfig": {"Memory": told["HostConfig"].get("Memory") or 0}}
    return _Inspected(time.monotonic(), tree.mark(int(told["State"].get("Pid") or 0)), kept)
