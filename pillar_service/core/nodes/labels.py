"""The form of a node's labels, which follows Kubernetes. A label is a key and a value, both texts."""

import re
from collections.abc import Mapping

from pillar_service.core import names
from pillar_service.core.errors import Invalid

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"

KEY = re.compile(rf"(?:[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?/)?{NAME}", re.ASCII)
"""A name, optionally with a domain before it: `environment`, `butt.nz/rack`."""

VALUE = re.compile(rf"(?:{NAME})?", re.ASCII)
"""A name, or nothing."""

MOST = 64
"""How many labels a node may have."""

NODE = "node"
"""The label that every node has besides its own ones: its id."""


def with_id(labels: Mapping[str, str], node: str) -> dict[str, str]:
    """A node's labels as selectors see them, with its id as one of them."""
    return {**labels, NODE: node}


def key(word: object) -> str:
    """The word, if it is a valid key for a label; raises Invalid."""
    if isinstance(word, str) and KEY.fullmatch(word):
        return word
    raise Invalid(
        f"{names.shown(word)} can't be a label's key: use 1 to 63 letters, digits, '-', '_' and '.', with a letter or "
        "digit at both ends, such as 'environment' or 'butt.nz/rack'."
    )


def value(word: object) -> str:
    """The word, if it is a valid value for a label; raises Invalid."""
    if isinstance(word, str) and VALUE.fullmatch(word):
        return word
    raise Invalid(
        f"{names.shown(word)} can't be a label's value: use at most 63 letters, digits, '-', '_' and '.', with a letter "
        "or digit at both ends."
    )


def checked(given: object) -> dict[str, str]:
    """The labels in a mapping; raises Invalid for an invalid key or value, and for more than ``MOST`` labels."""
    if not isinstance(given, Mapping) or len(given) > MOST:
        raise Invalid(f"Labels are at most {MOST} pairs, such as environment=prd.")
    return {key(one): value(given[one]) for one in sorted(given, key=str)}


def written(labels: Mapping[str, str]) -> str:
    """Labels as people write them, sorted by key: `environment=prd gpu=`."""
    return " ".join(f"{one}={labels[one]}" for one in sorted(labels))


def read(text: str) -> dict[str, str]:
    """The labels in a text of `key=value`, separated by blanks, commas or line ends; a key alone has an empty value.

    Raises Invalid, also if a key is given twice.
    """
    pairs = [word.partition("=") for word in text.replace(",", " ").split()]
    found = {one: its for one, _, its in pairs}
    if len(found) < len(pairs):
        raise Invalid("A label is there twice: give each key one value.")
    return checked(found)
