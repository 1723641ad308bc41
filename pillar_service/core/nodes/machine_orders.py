"""Orders of machines at a provider: their states, how a machine is named there, and when to take the next step.

A machine and its volume carry their order's tag at the provider. By that tag they are found again, whatever the
database says after a crash, so nothing is made twice, and whatever is retired is really gone.
"""

from dataclasses import dataclass
from enum import StrEnum

from pillar_service.core.durations import is_from_ahead
from pillar_service.core.errors import SaltcellarError, Unavailable


class OrderState(StrEnum):
    """How far an order is. A failed one may have a machine: it can be finished, or retired."""

    ASKED = "asked"
    MAKING = "making"
    BOOTING = "booting"
    ENROLLED = "enrolled"
    FAILED = "failed"
    RETIRING = "retiring"
    RETIRED = "retired"


UNDER_WAY = (OrderState.ASKED, OrderState.MAKING, OrderState.BOOTING, OrderState.RETIRING)
"""The states in which something is left to do."""

VOLUME_GB = (0, 10_000)

CLAIMED_S = 300.0
"""How long, in seconds, whoever claimed an order may take for its next step; then another may claim it."""

SETTLE_S = 60.0
"""For this many seconds, a machine that was requested but not confirmed may still appear at the provider; no other is made."""

LOOK_S = 5.0
"""How often a machine that is booting or being deleted is checked, in seconds."""

TRIES = 8
"""An order fails after this many tries in a row without an answer."""

LONGEST_PAUSE_S = 300.0


def tag(order: str) -> str:
    """The name of an order's machine and volume at the provider."""
    return f"saltcellar-{order}"


def believed(tried_at: float | None, now: float) -> float | None:
    """When a machine was last requested, or began to boot; ``now`` if that moment is so far ahead that a clock was wrong."""
    return now if tried_at is not None and is_from_ahead(tried_at, now) else tried_at


def pause_s(tries: int, error: SaltcellarError) -> float:
    """How many seconds to wait after that many failed tries: 5, 10, 20 … 300, or longer if the provider says so."""
    least = float(error.retry_after_s or 0) if isinstance(error, Unavailable) else LONGEST_PAUSE_S
    return max(min(5.0 * 2.0 ** min(max(tries - 1, 0), 10), LONGEST_PAUSE_S), least)


def has_failed(tries: int, error: SaltcellarError) -> bool:
    """Whether to give up: only a provider that did not answer, or says when to come back, is asked again."""
    return not isinstance(error, Unavailable) or tries >= TRIES


@dataclass(frozen=True)
class Wish:
    """The machine to make: ``size`` and ``image`` as the provider names them, ``volume_gb`` is 0 for no volume."""

    tag: str
    size: str
    image: str
    volume_gb: int
