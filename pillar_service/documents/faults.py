"""The faults of files: collected with their lines, and reported all at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pillar_service.core.errors import Invalid, NotFound

Path = tuple[str | int, ...]
"""A place in a file: keys, and indexes of items from 0."""

MOST = 100
"""How many faults are reported at once."""


@dataclass
class Faults:
    """The faults of one file; ``lines`` is the line, from 1, on which each place begins."""

    file: str
    lines: dict[Path, int] = field(default_factory=dict)
    found: set[tuple[int, str]] = field(default_factory=set)

    def add(self, at: Path, sentence: str) -> None:
        """Note a fault at a place, or at the nearest place around it whose line is known."""
        while at and at not in self.lines:
            at = at[:-1]
        self.found.add((self.lines.get(at, 1), sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."))

    @contextmanager
    def at(self, place: Path) -> Iterator[None]:
        """Note an Invalid or NotFound raised inside as a fault of this place, and go on."""
        try:
            yield
        except (Invalid, NotFound) as error:
            self.add(place, error.sentence)


def raise_any(*several: Faults) -> None:
    """Raise Invalid with every fault, one per line, by file and line; do nothing if there is none."""
    told = [f"{one.file}:{line}: {sentence}" for one in several for line, sentence in sorted(one.found)]
    if len(told) > MOST:
        told = [*told[:MOST], f"… and {len(told) - MOST} more."]
    if told:
        raise Invalid("\n".join(told))
