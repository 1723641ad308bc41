"""What is wrong in the files: collected with their lines, and told all at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pillar_service.core.errors import Invalid, NotFound

Path = tuple[str | int, ...]
"""Where in a file: keys, and numbers of items from 0."""

MOST = 100
"""Faults that are told at once."""


@dataclass
class Faults:
    """The faults of one file; ``lines`` says on which line, from 1, each place begins."""

    file: str
    lines: dict[Path, int] = field(default_factory=dict)
    found: set[tuple[int, str]] = field(default_factory=set)

    def add(self, at: Path, sentence: str) -> None:
        """Note what is wrong at a place, or at the nearest place around it that is written."""
        while at and at not in self.lines:
            at = at[:-1]
        self.found.add((self.lines.get(at, 1), sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."))

    @contextmanager
    def at(self, place: Path) -> Iterator[None]:
        """Note the Invalid that is raised inside as a fault of this place, and go on."""
        try:
            yield
        except (Invalid, NotFound) as error:
            self.add(place, error.sentence)


def raise_any(*several: Faults) -> None:
    """Raise Invalid with every fault, a line each, by file and line; nothing where there is none."""
    told = [f"{one.file}:{line}: {sentence}" for one in several for line, sentence in sorted(one.found)]
    if len(told) > MOST:
        told = [*told[:MOST], f"… and {len(told) - MOST} more."]
    if told:
        raise Invalid("\n".join(told))
