"""How often something may be tried, counted for an account and for the network that it comes from."""

import ipaddress
from enum import StrEnum

WINDOW_S = 900.0
"""Attempts count for 15 minutes."""


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
"""Failed sign-ins for an account from one network."""

PER_ACCOUNT = {
    Tried.SIGN_IN: 50, Tried.START: 20, Tried.MAIL: 5, Tried.CODE: 10, Tried.CONFIRM: 10, Tried.RUN: 60,
    Tried.ENROL: 20,
}  # fmt: skip
"""The most in a window for one account (or address of e-mail, or command token), wherever it comes from.

Sign-ins have room for the owner while somebody else guesses; a stranger who spends all of it locks the owner out for at
most the window.
"""

PER_NETWORK = {
    Tried.SIGN_IN: 100, Tried.START: 30, Tried.MAIL: 20, Tried.CODE: 50, Tried.CONFIRM: 50, Tried.RUN: 600,
    Tried.ENROL: 200,
}  # fmt: skip
"""The most in a window from one network, for whichever accounts."""


def network(address: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 that an IPv6 customer has to themselves."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(known, ipaddress.IPv6Address):
        mapped = known.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(known), 64), strict=False))
    return str(known)
