"""Governors: named counting leases, which limit how many of an account's nodes and jobs do the same thing at once.

The configuration sets the limit: `governors/restarts: 2` lets two hold `restarts`. Each lease has an end and a fence: a
number that only grows. Whoever was paused while its lease ran out has an old fence, which can't renew anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Invalid, NotFound

KEYS = "governors/"
"""The prefix of the configuration keys that are governors."""

LONGEST_HOLDER = 200
MOST = (1, 1000)
SECONDS = (5, 86_400)
"""The range of how many may hold a governor at once, and of how many seconds a lease may last."""

OVER_BY_S = 60
"""How many seconds a job keeps its lease after its command's timeout; by then its node has ended it."""


@dataclass(frozen=True)
class Lease:
    """Who holds a governor, and until when; ``seconds`` is the length that was asked for."""

    holder: str
    fence: int
    seconds: int
    expires_at: float


def name(value: object) -> str:
    """The value, if it is a valid name for a governor; raises Invalid."""
    if isinstance(value, str) and names.SHORT_NAME.fullmatch(value):
        return value
    raise Invalid(f"{names.shown(value)} can't be a governor's name: use 1 to 40 of a-z, 0-9 and hyphens.")


def holder(value: object) -> str:
    """The value, if it is a valid name for a holder; raises Invalid."""
    told = names.text(value, "holder", LONGEST_HOLDER)
    if not told:
        raise Invalid("Say who holds it: the holder must not be empty.")
    return told


def standing(leases: Iterable[Lease], now: float) -> list[Lease]:
    """The leases that are not over.

    If the clock was set back, a lease still ends no later than its own length from now, and the limit stays as it is.
    """
    return [replace(one, expires_at=min(one.expires_at, now + one.seconds)) for one in leases if one.expires_at > now]


def granted(leases: Iterable[Lease], most: int, fence: int, who: str, seconds: int, now: float) -> Lease | None:
    """The lease that somebody gets now besides those that are held; None if no place is free.

    ``fence`` is the highest that was given out. Whoever asks again, because the answer was lost, keeps the same fence.
    """
    held = standing(leases, now)
    mine = next((one for one in held if one.holder == who), None)
    if mine is None and len(held) >= most:
        return None
    return Lease(who, mine.fence if mine else fence + 1, seconds, now + seconds)


def held_by(leases: Iterable[Lease], who: str, fence: int, now: float) -> Lease:
    """The lease that somebody holds with that fence; raises Conflict if it is over, or another's."""
    for one in standing(leases, now):
        if (one.holder, one.fence) == (who, fence):
            return one
    raise Conflict(
        f"The lease with the fence {fence} is over: stop, take a new one, and check what was done meanwhile."
    )


def check_key(key: str, value: object) -> None:
    """Raise Invalid for a configuration key that is a governor's, but has an invalid name or value."""
    if not key.startswith(KEYS):
        return
    name(key.removeprefix(KEYS))
    if type(value) is not int or not MOST[0] <= value <= MOST[1]:
        raise Invalid(f"{key} says how many may hold it at once: give it a whole number from {MOST[0]} to {MOST[1]}.")


def missing(called: str) -> NotFound:
    """The error for a governor that was never set."""
    return NotFound(f"There is no governor {names.shown(called)}: set {KEYS}{called} in the configuration first.")
