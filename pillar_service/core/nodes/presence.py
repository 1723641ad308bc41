"""Presence: whether a node is here, decided by when something from it was received; its own clock does not matter.

A node whose pubs report is heard from every 15 s; one that only says that it is alive, every 30 min. A node that comes
and goes again and again is `unsteady` until it has been quiet for a while (like route flap damping, RFC 2439), so that
nobody is notified each time. While the service itself is away it can hear nobody, so that time does not count as
silence.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from pillar_service.core.bots.health import LOST_AFTER_S

ALIVE_EVERY_S = 1800.0
QUIET_AFTER_S = 2 * ALIVE_EVERY_S + 300.0
"""The silence in seconds after which a node that only says that it is alive is away: two such messages are missing."""

STOPPED_AFTER_S = 30.0
"""How many seconds a node that said it stops may be gone: a restart takes less."""

BEAT_EVERY_S = 10.0
DEAF_AFTER_S = 3 * BEAT_EVERY_S
"""How often the service records that it is there; after a gap of ``DEAF_AFTER_S`` seconds, it was away since the last time."""

HALF_LIFE_S = 600.0
UNSTEADY_AT, STEADY_AT = 3.0, 1.0
"""So many changes within about a half-life (seconds) make a node unsteady; so few left, steady again."""


class State(StrEnum):
    """How a node is shown."""

    NEVER = "never"
    HERE = "here"
    AWAY = "away"
    UNSTEADY = "unsteady"


@dataclass(frozen=True)
class Standing:
    """When a node was heard from, and what follows from that. Times are the service's, in Unix seconds.

    ``reported_at`` is when it last sent a health report, ``stopped_at`` when it said that it stops, unless something
    came after that. ``is_away`` is the present truth, ``state`` is what is shown since ``since``. ``penalty`` counts
    changes, as of ``penalty_at``. ``deaf_s`` is for how many seconds since ``heard_at`` the service was away.
    """

    heard_at: float | None = None
    reported_at: float | None = None
    stopped_at: float | None = None
    is_away: bool = False
    state: State = State.NEVER
    since: float = 0.0
    penalty: float = 0.0
    penalty_at: float = 0.0
    deaf_s: float = 0.0


def heard(before: Standing, now: float, is_report: bool, is_stop: bool) -> Standing:
    """The standing after something from the node was received."""
    told = replace(
        before,
        heard_at=now,
        reported_at=now if is_report else before.reported_at,
        stopped_at=now if is_stop else None,
        deaf_s=0.0,
    )
    return looked(told, now)


def looked(before: Standing, now: float) -> Standing:
    """The standing, brought up to this moment."""
    if before.heard_at is None:
        return before
    away = is_silent(before, now)
    penalty = _decayed(before, now)
    if away != before.is_away:
        penalty += 1.0
    told = replace(before, is_away=away, penalty=penalty, penalty_at=now)
    state = _state(told)
    return told if state == before.state else replace(told, state=state, since=now)


def is_silent(standing: Standing, now: float) -> bool:
    """Whether the node has been silent for too long."""
    if standing.heard_at is None:
        return False
    if standing.stopped_at is not None:
        return now - standing.stopped_at - standing.deaf_s > STOPPED_AFTER_S
    reports = standing.reported_at is not None and standing.heard_at - standing.reported_at <= LOST_AFTER_S
    return now - standing.heard_at - standing.deaf_s > (LOST_AFTER_S if reports else QUIET_AFTER_S)


def deaf_for(beat_at: float, now: float) -> float:
    """How long the service was away (seconds), given that it recorded itself last at ``beat_at``; 0.0 if it was not."""
    return now - beat_at if now - beat_at > DEAF_AFTER_S else 0.0


def ahead_by(beat_at: float, now: float) -> float:
    """How far ahead the service's clock was (seconds), given that it recorded itself last at ``beat_at``; 0.0 if it was not."""
    return beat_at - now if beat_at - now > DEAF_AFTER_S else 0.0


def is_here(standing: Standing, now: float) -> bool:
    """Whether a node was ever heard from, and is not silent."""
    return standing.heard_at is not None and not is_silent(standing, now)


def _decayed(standing: Standing, now: float) -> float:
    # If the clock was set back, the penalty must not grow.
    passed = max(0.0, now - standing.penalty_at)
    return float(standing.penalty * 0.5 ** (passed / HALF_LIFE_S))


def _state(standing: Standing) -> State:
    if standing.penalty >= UNSTEADY_AT or (standing.state is State.UNSTEADY and standing.penalty > STEADY_AT):
        return State.UNSTEADY
    return State.AWAY if standing.is_away else State.HERE
