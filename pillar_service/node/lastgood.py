"""The last good pillar, on disk: for the agent, and for when no master answers.

The minion's process keeps its pillar here, and so does each state run with the one that it was given. The agent is another
process, which starts before there is a pillar.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.nodes.pillar import KEY
from pillar_service.node import disk
from pillar_service.node.paths import Home
from pillar_service.node.sealing import Seal
from pillar_service.node.told import Told, told

NAME, SEALED = "pillar.jwt", "pillar"


class Kept:
    """The pillar in a home, sealed with the key in the folder ``pki``. Each process needs its own object."""

    def __init__(self, home: Home, node: str, pki: Path) -> None:
        self._path, self._node, self._seal = home.state / NAME, node, Seal(node, pki, SEALED)
        self._last: str | None = None
        self._read_at: tuple[int, int] | None = None
        self._pillar: dict[str, Any] = {}
        self._told = Told()

    def keep(self, pillar: Mapping[str, Any]) -> bool:
        """Keep a pillar if it is good and differs from the last one; returns whether it was kept.

        A stale copy is kept only if there is no good pillar yet. Raises OSError, and Unavailable without a key.
        """
        said = told(pillar, self._node)
        if said.problem or (said.notice and not self.told().problem):
            return False
        ours = {KEY: pillar[KEY]}
        written = json.dumps(ours, sort_keys=True)
        if written == self._last:
            return False
        is_new = ours != self.pillar()  # another process, such as a state run, may have kept it already
        if is_new:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            disk.write_atomically(self._path, self._seal.close(ours))
        self._last = written
        return is_new

    def told(self) -> Told:
        """What the kept pillar says; if there is none, a Told with a ``problem``."""
        self._read()
        return self._told

    def pillar(self) -> dict[str, Any]:
        """The kept pillar as it came; empty if there is none."""
        self._read()
        return self._pillar

    def _read(self) -> None:
        try:
            found = self._path.stat()
            if (found.st_ino, found.st_mtime_ns) != self._read_at:
                self._pillar = self._seal.open(self._path.read_bytes())
                self._told = told(self._pillar, self._node)
                self._read_at = found.st_ino, found.st_mtime_ns
        except (OSError, SaltcellarError):
            self._pillar, self._read_at = {}, None
            self._told = Told(problem=f"This node ({self._node}) has no pillar yet.")


Known = Callable[[], Told]
"""Returns what the pillar says now or said last."""
