"""What a name may look like: the one rule that the API, the database and the states share."""

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
"""What commands of the catalogue, machines, governors, and nodes at customers' sites are called: a DNS label of at most 40
characters."""

NODE_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?", re.ASCII)
"""A minion id that is also one safe path segment."""

WEB_ADDRESS = re.compile(r"/|\bwww\.", re.IGNORECASE)
"""What makes of a word the address of a page."""

SEEN = "LNPS"
"""The categories of Unicode of which something is seen: letters, digits, and signs that stand alone."""

ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
"""An id that we make: 64 random bits."""

PUB_ID = re.compile(r"@[A-Za-z0-9+/]{43}=\.ed25519", re.ASCII)
"""A Scuttlebutt feed id."""

SEED = re.compile(r"net:[^\s~]{1,255}:[0-9]{1,5}~shs:[A-Za-z0-9+/]{43}=", re.ASCII)
"""A multiserver address of a pub. With any other text ssb-gossip ends the pub at its start, again and again."""

EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)

WORD = re.compile(r"\w+")
NOTE_LENGTH = 200
PERSON_NAME_LENGTH = 200
TEXT_LENGTH = 1000


def is_id(value: object) -> TypeGuard[str]:
    """Whether it is an id as we make them."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def is_pub_id(value: object) -> TypeGuard[str]:
    """Whether it is the id of a pub."""
    return isinstance(value, str) and PUB_ID.fullmatch(value) is not None


def new_id() -> str:
    """A new id for an agent or a job."""
    return secrets.token_hex(8)


def bot_name(value: object) -> str:
    """The value, if it is a bot's name; raises Invalid with a sentence otherwise."""
    if isinstance(value, str) and BOT_NAME.fullmatch(value):
        return value
    raise Invalid(
        f"{shown(value)} can't be a bot's name: use 1 to 63 lower-case letters, digits and hyphens, "
        "with a letter or digit at both ends, such as 'my' or 'garden-2'."
    )


def node_id(value: object) -> str:
    """The value, if it is a node's id; raises Invalid otherwise."""
    if isinstance(value, str) and ".." not in value and NODE_ID.fullmatch(value):
        return value
    raise Invalid(
        f"{shown(value)} can't be a node's id: use 1 to 128 letters, digits, dots, hyphens and underscores, "
        "with a letter or digit at both ends."
    )


def email(value: object) -> str:
    """The address in lower case; raises Invalid otherwise."""
    if isinstance(value, str) and ".." not in value and EMAIL.fullmatch(value.strip()):
        return value.strip().lower()
    raise Invalid(f"{shown(value)} is not an e-mail address: write it as 'name@example.org'.")


def text(value: object, what: str, longest: int = TEXT_LENGTH) -> str:
    """A line of text for people (a note, a description, a person's name): printable, at most ``longest`` characters."""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise Invalid(f"The {what} must be one line of at most {longest} printable characters, not {shown(value)}.")
    return value


def one_of(known: type[Value], value: object, what: str) -> Value:
    """The value of that name in an enum; raises Invalid for any other. ``what`` is what they are: 'state of a job'."""
    if isinstance(value, str) and value in list(known):
        return known(value)
    raise Invalid(f"{shown(value)} is no {what}; there are: {', '.join(known)}.")


def person_name(value: object) -> str:
    """What a person is called, without blanks around it; raises Invalid.

    It stands in mails to others: something of it must be seen, and nobody sends them to a page by it.
    """
    chosen = text(value, "name", PERSON_NAME_LENGTH).strip()
    if not any(unicodedata.category(one)[0] in SEEN for one in chosen):
        raise Invalid("Write your name, or what you want to be called.")
    if WEB_ADDRESS.search(chosen):
        raise Invalid("A name holds no address of a page: write what you want to be called.")
    return chosen


def whole_number(value: object, what: str, least: int, most: int) -> int:
    """A whole number in a range; a string of digits is taken too, as a command line gives it."""
    if type(value) is int and least <= value <= most:
        return value  # nearly all: three of each event that comes in
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(f"The {what} must be a whole number from {least} to {most}, not {shown(value)}.")
    return value


def shown(value: object) -> str:
    """A value as it may be repeated in a sentence: quoted, what can't be seen escaped, at most 60 characters.

    Letters of any script stay what they are, but in a word that has Latin ones beside others: nobody can tell these apart.
    """
    written = repr(value)
    if any(map(_is_mixed, WORD.findall(written[:60]))):
        written = ascii(value)
    return written if len(written) <= 60 else f"{written[:50]}… ({len(written)} characters)"


def _is_mixed(word: str) -> bool:
    latin = {unicodedata.name(letter, "").startswith("LATIN ") for letter in word if letter.isalpha()}
    return len(latin) == 2


def printable(text: str, instead: str = " ") -> str:
    """A text of which each character that can't be printed, such as half a letter or the end of a line, is another one."""
    return "".join(one if one.isprintable() else instead for one in text)


def fitting(text: str, most: int) -> str:
    """A text of at most so many characters; what had to go leaves a '…'."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
