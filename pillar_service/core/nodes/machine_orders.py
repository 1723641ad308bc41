"""Orders of machines at a provider: their states, what a machine is called there, when what is done about one.

A machine and its volume bear their order's tag at the provider. That is how they are found again, whatever was written down
here when something died; so nothing is made twice, and what is retired is gone.
"""

from dataclasses import dataclass
from enum import StrEnum

from pillar_service.core.durations import AHEAD_S
from pillar_service.core.errors import SaltcellarError, Unavailable


class OrderState(StrEnum):
    """Where an order stands. A failed one may have a machine: it can be finished, or retired."""

    ASKED = "asked"
    MAKING = "making"
    BOOTING = "booting"
    ENROLLED = "enrolled"
    FAILED = "failed"
    RETIRING = "retiring"
    RETIRED = "retired"


UNDER_WAY = (OrderState.ASKED, OrderState.MAKING, OrderState.BOOTING, OrderState.RETIRING)
"""The states in which something is still to be done."""

VOLUME_GB = (0, 10_000)

CLAIMED_S = 300.0
"""Who claimed an order has so long for its next step; then another may take it up."""

SETTLE_S = 60.0
"""A machine that was asked for and not confirmed may still turn up at the provider for so long: no other is made meanwhile."""

LOOK_S = 5.0
"""How often one that boots, or goes, is looked at."""

TRIES = 8
"""After so many tries in a row without an answer an order has failed."""

LONGEST_PAUSE_S = 300.0


def tag(order: str) -> str:
    """What an order's machine and volume are called at the provider."""
    return f"saltcellar-{order}"


def believed(tried_at: float | None, now: float) -> float | None:
    """When a machine was last asked for, or began to boot: now, if only a wrong clock knew that moment."""
    return now if tried_at is not None and tried_at > now + AHEAD_S else tried_at


def pause_s(tries: int, error: SaltcellarError) -> float:
    """For how long to wait after that many failed tries: 5, 10, 20 … 300 s, or longer where the provider said so."""
    least = float(error.retry_after_s or 0) if isinstance(error, Unavailable) else LONGEST_PAUSE_S
    return max(min(5.0 * 2.0 ** min(max(tries - 1, 0), 10), LONGEST_PAUSE_S), least)


def has_failed(tries: int, error: SaltcellarError) -> bool:
    """Whether making is given up: only who does not answer, or says when to come back, is asked again."""
    return not isinstance(error, Unavailable) or tries >= TRIES


@dataclass(frozen=True)
class Wish:
    """What is to be made: ``size`` and ``image`` as the provider names them, ``volume_gb`` 0 for no volume."""

    tag: str
    size: str
    image: str
    volume_gb: int
