"""How the text of a setting is read; a ValueError says what is accepted."""

import ipaddress
import shlex
from collections.abc import Callable

from pillar_service.core import names
from pillar_service.core.addresses import Network
from pillar_service.core.events.events import Kind
from pillar_service.core.service import backups


def port(value: str) -> int:
    if value.isascii() and value.isdigit() and 0 < int(value) < 65536:
        return int(value)
    raise ValueError("a port from 1 to 65535")


def host(value: str) -> str:
    """A name or an address; one of IPv6 in brackets, so that a port can follow it."""
    bare = value.removeprefix("[").removesuffix("]")
    return f"[{bare}]" if ":" in bare else bare


def count(value: str) -> int:
    if value.isascii() and value.isdigit() and int(value) > 0:
        return int(value)
    raise ValueError("a whole number above 0")


def ports(value: str) -> tuple[int, int]:
    first, _, last = value.partition("-")
    if port(first) > port(last):
        raise ValueError("a range such as 20000-20999")
    return int(first), int(last)


def yes(value: str) -> bool:
    if value.lower() in ("1", "yes", "true", "0", "no", "false", ""):
        return value.lower() in ("1", "yes", "true")
    raise ValueError("yes or no")


def none_or_more(value: str) -> int:
    return 0 if value == "0" else count(value)


def currency(value: str) -> str:
    if value.isascii() and value.isalpha() and len(value) == 3:
        return value.lower()
    raise ValueError("three letters such as usd")


def boot(value: str) -> int:
    if 60 <= count(value) <= 86_400:
        return int(value)
    raise ValueError("seconds from 60 to 86400")


def one_of(*known: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value in known:
            return value
        raise ValueError(" or ".join(known))

    return read


def seeds(value: str) -> list[str]:
    if all(names.SEED.fullmatch(word) for word in value.split()):
        return value.split()
    raise ValueError(
        "addresses such as net:pub.example.org:8008~shs:KEY (a KEY has 44 characters), separated by spaces"
    )


def networks(value: str) -> list[Network]:
    try:
        return [ipaddress.ip_network(word) for word in value.split()]
    except ValueError as error:
        raise ValueError("networks such as 10.1.0.0/16, separated by spaces") from error


EVENTS_KEPT = "lifecycle=365 gap=365 machine=365 submission=365 facts=30 health=7"


def days(value: str) -> dict[str, int]:
    """Days by kind of event; kinds that are not named have their defaults."""
    found = {}
    for word in f"{EVENTS_KEPT} {value}".split():
        kind, _, number = word.partition("=")
        if kind not in list(Kind) or not number.isdecimal():
            raise ValueError(f"days by kind of event, such as {EVENTS_KEPT}")
        found[kind] = int(number)
    return found


repository = backups.address
keep = backups.keep


def absolute(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError("an absolute path")
    return value


def absolutes(value: str) -> list[str]:
    """Paths, which may be quoted as in a shell: the folder of a place may have a blank in its name."""
    try:
        return [absolute(word) for word in shlex.split(value)]
    except ValueError as error:
        raise ValueError("absolute paths, separated by spaces (one with a space or a quote in it is quoted)") from error
