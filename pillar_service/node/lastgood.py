"""The last good pillar, on this node's disk: for what runs beside the minion, and for when no master answers.

The minion's own process knows its pillar and keeps it here; the agent is another process, which begins before there is one.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pillar_service.core.pillar import KEY
from pillar_service.node import disk
from pillar_service.node.paths import Home
from pillar_service.node.told import Told, told

NAME = "pillar.json"


class Kept:
    """The pillar in a home. Give each process one."""

    def __init__(self, home: Home, node: str) -> None:
        self._path, self._node = home.state / NAME, node
        self._last: str | None = None
        self._read_at: tuple[int, int] | None = None
        self._told = Told()

    def keep(self, pillar: Mapping[str, Any]) -> None:
        """Keep a pillar if it is a good one and not the same as the last; raises OSError."""
        if told(pillar, self._node).problem:
            return
        written = json.dumps({KEY: pillar[KEY]}, sort_keys=True)
        if written != self._last:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            disk.write_atomically(self._path, written.encode())
            self._last = written

    def told(self) -> Told:
        """What the pillar says that was kept last; nothing is known when there is none."""
        try:
            found = self._path.stat()
            if (found.st_ino, found.st_mtime_ns) != self._read_at:
                self._told = told(json.loads(self._path.read_bytes()), self._node)
                self._read_at = found.st_ino, found.st_mtime_ns
        except (OSError, ValueError):
            return Told(problem=f"This node ({self._node}) has no pillar yet.")
        return self._told


Known = Callable[[], Told]
"""What the pillar says now, or said last."""
