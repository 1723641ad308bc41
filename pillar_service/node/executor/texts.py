"""What a program wrote, as text that harms no terminal, page or database."""

import re

ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
"""What makes a terminal change colour, move, or take a title."""

UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def clean(written: str) -> str:
    """The text without escape sequences; what can't be printed (but a tab) is replaced."""
    if written.isprintable():
        return written
    plain = ESCAPES.sub("", written)
    return plain if plain.isprintable() else "".join(c if c.isprintable() or c == "\t" else UNKNOWN for c in plain)


def decoded(raw: bytes) -> str:
    """Bytes as clean text; what is no UTF-8 is replaced."""
    return clean(raw.decode("utf-8", "replace"))
