"""Plain values of a machine's file, checked for their types; each wrong one is noted as a fault."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pillar_service.core import names
from pillar_service.core.machines import machine_words as words

Place = tuple[str | int, ...]

MOST = {"states": 50, "transitions": 200, "watchers": 50, "memory": 50, "actions": 20, "keys": 10}


class Faults(Protocol):
    """Where faults are noted."""

    def add(self, at: Place, sentence: str) -> None:
        """Note what is wrong at a place in the file."""

    def at(self, place: Place) -> AbstractContextManager[None]:
        """A context that notes an Invalid raised inside, and goes on."""


class PlainValues:
    """Reads the values of any words in the file."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def mapping(self, value: Any, at: Place, what: str, known: Iterable[str]) -> dict[str, Any]:
        """Values under known words; empty for anything else."""
        if not isinstance(value, dict):
            self.faults.add(at, f"{what} must be keys with values, not {names.shown(value)}.")
            return {}
        for word in value.keys() - set(known):
            self.faults.add((*at, word), f"{names.shown(word)} is unknown here; use one of: {', '.join(known)}.")
        return value

    def named(self, value: Any, at: Place, what: str) -> dict[str, Any]:
        """Values under names that the file chose; empty for anything else."""
        found = value if isinstance(value, dict) else {}
        if value is not None and found is not value:
            self.faults.add(at, f"This must be keys with values, not {names.shown(value)}.")
        if len(found) > MOST["states"]:
            self.faults.add(at, f"There are {len(found)} here; at most {MOST['states']} are allowed.")
        for name in found:
            with self.faults.at((*at, name)):
                words.word(name, what)
        return found

    def listed(self, value: Any, at: Place, most: int) -> list[Any]:
        """A list; empty for anything else."""
        if value is not None and not isinstance(value, list):
            self.faults.add(at, f"This must be a list, not {names.shown(value)}.")
        found = value if isinstance(value, list) else []
        if len(found) > most:
            self.faults.add(at, f"There are {len(found)} here; at most {most} are allowed.")
        return found
