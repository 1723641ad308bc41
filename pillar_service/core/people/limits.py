"""How often something may be tried, counted for each account and for each network."""

import ipaddress
from enum import StrEnum

WINDOW_S = 900.0
"""How long an attempt counts, in seconds."""


class Tried(StrEnum):
    """What is counted."""

    SIGN_IN = "sign_in"
    START = "start"
    MAIL = "mail"
    CODE = "code"
    CONFIRM = "confirm"
    RUN = "run"
    ENROL = "enrol"


PAIR = 10
"""The most failed sign-ins to one account from one network within a window."""

PER_ACCOUNT = {
    Tried.SIGN_IN: 50, Tried.START: 20, Tried.MAIL: 5, Tried.CODE: 10, Tried.CONFIRM: 10, Tried.RUN: 60,
    Tried.ENROL: 20,
}  # fmt: skip
"""The most attempts in a window for one account (or e-mail address, or command token), from anywhere.

The limit of sign-ins leaves room for the owner while somebody else guesses; a stranger who uses it up locks the owner
out until the window ends.
"""

PER_NETWORK = {
    Tried.SIGN_IN: 100, Tried.START: 30, Tried.MAIL: 20, Tried.CODE: 50, Tried.CONFIRM: 50, Tried.RUN: 600,
    Tried.ENROL: 200,
}  # fmt: skip
"""The most attempts in a window from one network, for any accounts."""


def network(address: str) -> str:
    """What counts as one network: an IPv4 address, or the /64 of an IPv6 address, which one customer has."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(known, ipaddress.IPv6Address):
        mapped = known.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(known), 64), strict=False))
    return str(known)
