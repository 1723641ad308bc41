"""What a label of a node may look like: Kubernetes' rule. A label is a key and a value, both texts."""

import re
from collections.abc import Mapping

from pillar_service.core import names
from pillar_service.core.errors import Invalid

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"

KEY = re.compile(rf"(?:[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?/)?{NAME}", re.ASCII)
"""A name, where wanted with a domain before it: `environment`, `butt.nz/rack`."""

VALUE = re.compile(rf"(?:{NAME})?", re.ASCII)
"""A name, or nothing."""

MOST = 64
"""Labels of one node."""

NODE = "node"
"""The label that every node has besides its own: its id."""


def with_id(labels: Mapping[str, str], node: str) -> dict[str, str]:
    """A node's labels as selectors see them: its id is one of them."""
    return {**labels, NODE: node}


def key(word: object) -> str:
    """The word, if it can be a label's key; raises Invalid otherwise."""
    if isinstance(word, str) and KEY.fullmatch(word):
        return word
    raise Invalid(
        f"{names.shown(word)} can't be a label's key: use 1 to 63 letters, digits, '-', '_' and '.', with a letter or "
        "digit at both ends, such as 'environment' or 'butt.nz/rack'."
    )


def value(word: object) -> str:
    """The word, if it can be a label's value; raises Invalid otherwise."""
    if isinstance(word, str) and VALUE.fullmatch(word):
        return word
    raise Invalid(
        f"{names.shown(word)} can't be a label's value: use at most 63 letters, digits, '-', '_' and '.', with a letter "
        "or digit at both ends."
    )


def checked(given: object) -> dict[str, str]:
    """The labels in a mapping; raises Invalid for a key or a value that can be none, and for more than ``MOST``."""
    if not isinstance(given, Mapping) or len(given) > MOST:
        raise Invalid(f"Labels are at most {MOST} pairs, such as environment=prd.")
    return {key(one): value(given[one]) for one in sorted(given, key=str)}


def written(labels: Mapping[str, str]) -> str:
    """Labels as people write them: `environment=prd gpu=`, by key."""
    return " ".join(f"{one}={labels[one]}" for one in sorted(labels))


def read(text: str) -> dict[str, str]:
    """The labels in a text of `key=value`, with blanks, commas or line ends between; a key alone has an empty value.

    Raises Invalid, also for a key that stands twice.
    """
    pairs = [word.partition("=") for word in text.replace(",", " ").split()]
    found = {one: its for one, _, its in pairs}
    if len(found) < len(pairs):
        raise Invalid("A label stands there twice: give each key one value.")
    return checked(found)
