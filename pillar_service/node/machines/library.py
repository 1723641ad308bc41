"""This node's machines, read from their files. When a file breaks, its last good content stays in use."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pillar_service.core.errors import Invalid
from pillar_service.core.machines.machines import Machine
from pillar_service.documents import machines, reading
from pillar_service.documents.faults import Faults, raise_any
from pillar_service.node.machines import files
from pillar_service.node.paths import Home


@dataclass(frozen=True)
class Loaded:
    """A machine, the hash of the content that it was read from (``content``), and its file."""

    machine: Machine
    content: str
    file: Path


def read(raw: bytes, name: str) -> Machine:
    """The machine in a file's bytes; raises Invalid with every fault, `name.yaml:12: sentence`."""
    faults = Faults(f"{name}{files.SUFFIX}")
    made = machines.read(raw, name, faults)
    raise_any(faults)
    assert made
    return made


class Library:
    """Machines (``loaded``) and faults (``problems``) by machine name. ``said`` is called once for each broken content."""

    def __init__(self, home: Home, said: Callable[[str, str], None] = lambda name, fault: None) -> None:
        self._home, self._said = home, said
        self.loaded: dict[str, Loaded] = {}
        self.problems: dict[str, str] = {}
        self._seen: dict[str, str] = {}

    @property
    def machines(self) -> Mapping[str, Machine]:
        """The machines by name."""
        return {name: one.machine for name, one in self.loaded.items()}

    def refresh(self) -> None:
        """Read what has changed. A deleted file removes its machine; a broken one does not."""
        found = files.found(self._home)
        for name in self.loaded.keys() - found.keys():
            del self.loaded[name]
        self.problems = {name: why for name, why in self.problems.items() if name in found}
        self._seen = {name: content for name, content in self._seen.items() if name in found}
        for name, file in sorted(found.items()):
            self._look(name, file)

    def _look(self, name: str, file: Path) -> None:
        try:
            with file.open("rb") as opened:
                raw = opened.read(reading.LARGEST + 1)
        except OSError as error:
            self.problems[name] = f"{file.name}:1: This file can't be read ({error.strerror})."
            return
        content = hashlib.sha256(raw).hexdigest()
        if self._seen.get(name) == content:
            return
        self._seen[name] = content
        try:
            self.loaded[name] = Loaded(read(raw, name), content, file)
            self.problems.pop(name, None)
        except Invalid as error:
            self.problems[name] = error.sentence
            self._said(name, error.sentence)
