"""Counters that survive the containers they are read from: kept in a file, which is written atomically."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillar_service.core.bots.health import COUNTERS, accumulated, started_again
from pillar_service.node import disk

FILE = "counters.json"


class Counters:
    """The totals of every bot of a node, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._kept: dict[str, dict[str, Any]] = self._load()

    def _load(self) -> dict[str, dict[str, Any]]:
        try:
            kept = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def totals(self, bot: str) -> dict[str, int]:
        """A bot's totals."""
        kept = self._kept.get(bot, {})
        return {key: int(kept.get(key, 0)) for key in COUNTERS}

    def add(self, bot: str, read: Mapping[str, int], born: Mapping[str, str]) -> dict[str, int]:
        """Add a reading; returns the totals. ``born`` identifies since when each counter counts; a new value means from 0."""
        kept = self._kept.setdefault(bot, {})
        for key, counted in read.items():
            if kept.get(f"{key}_born") != born[key]:
                kept |= {f"{key}_raw": 0, f"{key}_born": born[key]}
            kept |= accumulated(kept, counted, key)[1]
        return self.totals(bot)

    def started(self, bot: str, container: str, started: str, count: int) -> None:
        """Count a bot's starts, from what Docker says about its container (`health.started_again`)."""
        self._kept[bot] = started_again(self._kept.get(bot, {}), container, started, count)

    def save(self, known: set[str]) -> None:
        """Write the totals of the known bots to disk, and forget the others."""
        self._kept = {bot: kept for bot, kept in self._kept.items() if bot in known}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk.write_atomically(self._path, json.dumps(self._kept, sort_keys=True).encode())
