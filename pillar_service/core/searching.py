"""What operators search for by one word: which kinds of thing there are, and what a word may be the name of."""

import re
from enum import StrEnum
from typing import NamedTuple

MOST, MOST_OF_ONE = 20, 100
"""How many of each kind are shown, and how many where only one kind is looked for."""

NEWEST = 10_000
"""Among so many of the newest events, and rows of the audit, a part of a text is looked for."""

SHORTEST = 4
"""The fewest characters that are taken as the beginning of an id."""

ACTORS = ("account", "operator", "master", "node", "chat")
SUBJECTS = (
    *("agent", "job", "node", "master", "token", "enrolment", "machine", "move", "upgrade", "command", "bundle"),
    *("backup", "database"),
)
"""What an actor and a subject may be written without: `account:<id>` is found by the id too."""


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
    """Events by how their ids begin: those of a node, of one of its epochs, or one alone."""

    node: str
    epoch: int | None = None
    sequence: int | None = None


LABEL = re.compile(r"([A-Za-z0-9_./-]+)(?:=([A-Za-z0-9_.-]*))?", re.ASCII)


class Label(NamedTuple):
    """A part of a label's key or value; or, with ``value``, a key and how its value begins."""

    key: str
    value: str | None = None


def label(word: str) -> Label | None:
    """The labels that a word names, `environment=prd` or a part; None for a word that is no part of a label."""
    found = LABEL.fullmatch(word)
    return Label(*found.groups()) if found else None


def actors(word: str) -> list[str]:
    """The actors that a word may name."""
    return [word, *(f"{kind}:{word}" for kind in ACTORS)]


def subjects(word: str) -> list[str]:
    """The subjects of the audit that a word may name."""
    return [word, *(f"{kind}:{word}" for kind in SUBJECTS)]


def beginning(word: str) -> str | None:
    """The word, if an id can begin so; None otherwise."""
    return word if SHORTEST <= len(word) <= 16 and set(word) <= set("0123456789abcdef") else None


def place(word: str) -> Place | None:
    """The events that `node`, `node/epoch` or `node/epoch/sequence` names; None for what is none of these."""
    node, *numbers = word.removesuffix("/").split("/")
    if len(numbers) > 2 or not all(one.isascii() and one.isdigit() and len(one) <= 10 for one in numbers):
        return None
    return Place(node, *map(int, numbers))
