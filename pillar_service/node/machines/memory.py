"""What one instance of a machine remembers across restarts: its state, its values, its pending actions and its history."""

import contextlib
import json
import logging
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from pillar_service.core.errors import NotFound
from pillar_service.node import clock, disk

log = logging.getLogger(__name__)

HISTORY = 200
"""How many entries of the history are kept."""
KEPT_S = 86_400.0
"""How long what a machine remembers of a bot is kept once the bot is gone, in seconds: it may be poured again."""


@dataclass
class Memory:
    """Kept in one file, which is written atomically. If it can't be written, the machine goes on all the same."""

    path: Path
    content: str = ""
    state: str = ""
    boot: str = ""
    entered: float = 0.0
    values: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, Any] = field(default_factory=dict)
    pending: dict[str, Any] | None = None
    events: list[list[str]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def at(cls, path: Path) -> "Memory":
        """The memory in a file; an empty one if the file is missing or malformed."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            told = json.loads(path.read_text())
            if isinstance(told["state"], str) and isinstance(told["values"], dict):
                known = {one.name for one in fields(cls)} - {"path"}  # a newer version's file may have more
                return cls(path, **{name: value for name, value in told.items() if name in known})
        return cls(path)

    def enter(self, state: str) -> None:
        """Enter a state now."""
        now = clock.now()
        self.state, self.boot, self.entered = state, now.boot, now.mono

    @property
    def in_state_s(self) -> float:
        """Seconds in this state; after a reboot, counting starts over."""
        now = clock.now()
        if self.boot != now.boot:
            self.boot, self.entered = now.boot, now.mono
        return max(0.0, now.mono - self.entered)

    def note(self, **entry: Any) -> None:
        """Add an entry to the history."""
        self.history = [*self.history, {"at": int(time.time()), **entry}][-HISTORY:]

    def save(self) -> None:
        """Write it to its file."""
        told = {key: value for key, value in asdict(self).items() if key != "path"}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            disk.write_atomically(self.path, json.dumps(told).encode())
        except OSError as error:
            log.warning("machines: %s can't be written: %s", self.path, error)


def path(folder: Path, machine: str, subject: str) -> Path:
    """The file of one machine for one subject; raises NotFound unless both are safe path segments."""
    if "/" in machine + subject or machine.startswith(".") or subject.startswith("."):
        raise NotFound("There is no such machine.")
    return folder / machine / f"{subject}.json"


def files(folder: Path, machine: str) -> list[Path]:
    """The files of one machine, sorted by subject; raises NotFound unless its name is a safe path segment."""
    there = path(folder, machine, "x").parent.glob("*.json")
    return sorted(file for file in there if not file.name.startswith("."))


def forget_others(folder: Path, machine: str, subjects: Collection[str]) -> None:
    """Delete what a machine remembers of all but these subjects, unless it wrote that within the last day."""
    before = time.time() - KEPT_S
    for file in files(folder, machine):
        with contextlib.suppress(OSError):
            if file.stem not in subjects and file.stat().st_mtime < before:
                file.unlink()
