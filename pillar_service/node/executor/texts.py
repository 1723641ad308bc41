"""Makes what a program wrote safe for terminals, pages and the database."""

import re

ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
"""Escape sequences, with which a program changes a terminal's colours, cursor or title."""

UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def clean(written: str) -> str:
    """The text without escape sequences; unprintable characters except tabs are replaced."""
    if written.isprintable():
        return written
    plain = ESCAPES.sub("", written)
    return plain if plain.isprintable() else "".join(c if c.isprintable() or c == "\t" else UNKNOWN for c in plain)


def decoded(raw: bytes) -> str:
    """Bytes as clean text; what is not valid UTF-8 is replaced."""
    return clean(raw.decode("utf-8", "replace"))
