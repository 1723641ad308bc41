"""The operators' search: which kinds of thing one word can find, and what the word may stand for."""

import re
from enum import StrEnum
from typing import NamedTuple

MOST, MOST_OF_ONE = 20, 100
"""How many results are shown of each kind, and how many when only one kind is searched."""

NEWEST = 10_000
"""How many of the newest events, and of the newest audit rows, are searched for part of a text."""

SHORTEST = 4
"""The shortest text that is taken for the beginning of an id."""

ACTORS = ("account", "operator", "master", "node", "chat")
SUBJECTS = (
    *("agent", "job", "node", "master", "token", "enrolment", "machine", "move", "upgrade", "command", "bundle"),
    *("backup", "database"),
)
"""The prefixes of actors and subjects that may be left out: `account:<id>` is found by the id alone, too."""


class Kind(StrEnum):
    """What a word can find."""

    ACCOUNTS = "accounts"
    BOTS = "bots"
    NODES = "nodes"
    JOBS = "jobs"
    EVENTS = "events"
    AUDIT = "audit"
    ACTORS = "actors"


class Place(NamedTuple):
    """The events whose ids begin alike: those of a node, those of one of its epochs, or a single one."""

    node: str
    epoch: int | None = None
    sequence: int | None = None


LABEL = re.compile(r"([A-Za-z0-9_./-]+)(?:=([A-Za-z0-9_.-]*))?", re.ASCII)


class Label(NamedTuple):
    """Part of a label's key or value; or, if ``value`` is set, a key and the beginning of its value."""

    key: str
    value: str | None = None


def label(word: str) -> Label | None:
    """The labels that a word may mean (`environment=prd`, or part of one); None if it can't be part of a label."""
    found = LABEL.fullmatch(word)
    return Label(*found.groups()) if found else None


def actors(word: str) -> list[str]:
    """The actors that a word may mean."""
    return [word, *(f"{kind}:{word}" for kind in ACTORS)]


def subjects(word: str) -> list[str]:
    """The subjects of audit rows that a word may mean."""
    return [word, *(f"{kind}:{word}" for kind in SUBJECTS)]


def beginning(word: str) -> str | None:
    """The word, if an id can begin with it; None otherwise."""
    return word if SHORTEST <= len(word) <= 16 and set(word) <= set("0123456789abcdef") else None


def place(word: str) -> Place | None:
    """The events that `node`, `node/epoch` or `node/epoch/sequence` means; None for anything else."""
    node, *numbers = word.removesuffix("/").split("/")
    if len(numbers) > 2 or not all(one.isascii() and one.isdigit() and len(one) <= 10 for one in numbers):
        return None
    return Place(node, *map(int, numbers))
