"""The rules for names, shared by the API, the database and the states."""

import re
import secrets
import unicodedata
from enum import StrEnum
from typing import TypeGuard, TypeVar

from pillar_service.core.errors import Invalid

Value = TypeVar("Value", bound=StrEnum)

BOT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
"""A DNS label (RFC 1123, section 2.1), lower case: `my` becomes `my.butt.nz`."""

SHORT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
"""The name of a catalogue command, a machine, a governor, or a node at a customer's site: a DNS label of at most 40
characters."""

NODE_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?", re.ASCII)
"""A minion id that is also safe as one segment of a path."""

WEB_ADDRESS = re.compile(r"/|\bwww\.", re.IGNORECASE)
"""What makes a word look like the address of a page."""

SEEN = "LNPS"
"""The Unicode categories of visible characters, by first letter: letters, numbers, punctuation and symbols."""

JOINERS = dict.fromkeys(map(ord, "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"))
"""Signs that nobody sees, but with which Persian words and the emoji of families are written."""

ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
"""An id that Saltcellar makes: 64 random bits."""

PUB_ID = re.compile(r"@[A-Za-z0-9+/]{43}=\.ed25519", re.ASCII)
"""A Scuttlebutt feed id."""

SEED = re.compile(r"net:[^\s~]{1,255}:[0-9]{1,5}~shs:[A-Za-z0-9+/]{43}=", re.ASCII)
"""A pub's multiserver address. Given any other text, ssb-gossip crashes the pub at each start."""

EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)

WORD = re.compile(r"\w+")
NOTE_LENGTH = 200
PERSON_NAME_LENGTH = 200
TEXT_LENGTH = 1000


def is_id(value: object) -> TypeGuard[str]:
    """Whether the value is an id of the kind that `new_id` makes."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def is_pub_id(value: object) -> TypeGuard[str]:
    """Whether the value is the id of a pub."""
    return isinstance(value, str) and PUB_ID.fullmatch(value) is not None


def new_id() -> str:
    """A new id for an agent or a job."""
    return secrets.token_hex(8)


def bot_name(value: object) -> str:
    """The value, if it is a valid name for a bot; raises Invalid."""
    if isinstance(value, str) and BOT_NAME.fullmatch(value):
        return value
    raise Invalid(
        f"{shown(value)} can't be a bot's name: use 1 to 63 lower-case letters, digits and hyphens, "
        "with a letter or digit at both ends, such as 'my' or 'garden-2'."
    )


def node_id(value: object) -> str:
    """The value, if it is a valid node id; raises Invalid."""
    if isinstance(value, str) and ".." not in value and NODE_ID.fullmatch(value):
        return value
    raise Invalid(
        f"{shown(value)} can't be a node's id: use 1 to 128 letters, digits, dots, hyphens and underscores, "
        "with a letter or digit at both ends."
    )


def email(value: object) -> str:
    """The e-mail address in lower case; raises Invalid if it is none."""
    if isinstance(value, str) and ".." not in value and EMAIL.fullmatch(value.strip()):
        return value.strip().lower()
    raise Invalid(f"{shown(value)} is not an e-mail address: write it as 'name@example.org'.")


def text(value: object, what: str, longest: int = TEXT_LENGTH) -> str:
    """The value, if it is one printable line of at most ``longest`` characters (a note, a description); raises Invalid.

    ``what`` names it in the error.
    """
    if not isinstance(value, str) or len(value) > longest or not value.translate(JOINERS).isprintable():
        raise Invalid(f"The {what} must be one line of at most {longest} printable characters, not {shown(value)}.")
    return value


def one_of(known: type[Value], value: object, what: str) -> Value:
    """The member of the enum with this value; raises Invalid. ``what`` names the enum in the error: 'state of a job'."""
    if isinstance(value, str) and value in list(known):
        return known(value)
    raise Invalid(f"{shown(value)} is not a known {what}; use one of: {', '.join(known)}.")


def person_name(value: object) -> str:
    """A person's name without surrounding blanks; raises Invalid.

    Others read it in mails, so it must contain something visible and no address of a page.
    """
    chosen = text(value, "name", PERSON_NAME_LENGTH).strip()
    if not any(unicodedata.category(one)[0] in SEEN for one in chosen):
        raise Invalid("Write your name, or what you want to be called.")
    if WEB_ADDRESS.search(chosen):
        raise Invalid("A name can't contain a web address: write what you want to be called.")
    return chosen


def whole_number(value: object, what: str, least: int, most: int) -> int:
    """The value as a whole number from ``least`` to ``most``; raises Invalid.

    A string of digits is accepted, too, as it comes from a command line.
    """
    if type(value) is int and least <= value <= most:
        return value  # the usual case: three times for each event that comes in
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(f"The {what} must be a whole number from {least} to {most}, not {shown(value)}.")
    return value


def shown(value: object) -> str:
    """A value as it may be repeated in a sentence: quoted, invisible characters escaped, at most 60 characters.

    Letters of any script are kept, unless one word mixes Latin letters with others, which look alike: then all but
    ASCII is escaped.
    """
    written = repr(value)
    if any(map(_is_mixed, WORD.findall(written[:60]))):
        written = ascii(value)
    return written if len(written) <= 60 else f"{written[:50]}… ({len(written)} characters)"


def _is_mixed(word: str) -> bool:
    latin = {unicodedata.name(letter, "").startswith("LATIN ") for letter in word if letter.isalpha()}
    return len(latin) == 2


def printable(text: str, instead: str = " ") -> str:
    """The text with ``instead`` for each character that can't be printed, such as a lone surrogate or a line break."""
    return "".join(one if one.isprintable() else instead for one in text)


def fitting(text: str, most: int) -> str:
    """The text, cut to at most ``most`` characters; a cut ends in '…'."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
