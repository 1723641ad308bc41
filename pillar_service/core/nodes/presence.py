"""Presence: whether a node is heard of, decided by when something of it was received; its own clock says nothing.

A node whose pubs report is heard of every 15 s; one that only says that it is alive, every 30 min. What comes and goes
again and again is `unsteady` until it was quiet for a while (as route flap damping, RFC 2439): nobody is told each time.
While the service itself is away nobody can be heard, so that time counts for nobody's silence.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from pillar_service.core.bots.health import LOST_AFTER_S

ALIVE_EVERY_S = 1800.0
QUIET_AFTER_S = 2 * ALIVE_EVERY_S + 300.0
"""No word for so long from a node that only says that it is alive: two of those are missing."""

STOPPED_AFTER_S = 30.0
"""For so long a node may be gone that said it stops: a restart takes less."""

BEAT_EVERY_S = 10.0
DEAF_AFTER_S = 3 * BEAT_EVERY_S
"""How often the service writes down that it is there; when it did not for so long, it was away since the last time."""

HALF_LIFE_S = 600.0
UNSTEADY_AT, STEADY_AT = 3.0, 1.0
"""So many changes within a half-life make a node unsteady; so few, steady again."""


class State(StrEnum):
    """How a node stands."""

    NEVER = "never"
    HERE = "here"
    AWAY = "away"
    UNSTEADY = "unsteady"


@dataclass(frozen=True)
class Standing:
    """When a node was heard of, and what was made of it. Times are the service's, in Unix seconds.

    ``reported_at`` is when it reported last (health), ``stopped_at`` when it said that it stops, unless something came
    after that. ``is_away`` is the plain truth, ``state`` what is shown since ``since``; ``penalty`` counts changes, and
    was that at ``penalty_at``. For ``deaf_s`` seconds since it was heard of nobody was there to hear it.
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
    """Something of the node was received."""
    told = replace(
        before,
        heard_at=now,
        reported_at=now if is_report else before.reported_at,
        stopped_at=now if is_stop else None,
        deaf_s=0.0,
    )
    return looked(told, now)


def looked(before: Standing, now: float) -> Standing:
    """What is to be said of the node now."""
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
    """Whether too much of what the node should have said is missing."""
    if standing.heard_at is None:
        return False
    if standing.stopped_at is not None:
        return now - standing.stopped_at - standing.deaf_s > STOPPED_AFTER_S
    reports = standing.reported_at is not None and standing.heard_at - standing.reported_at <= LOST_AFTER_S
    return now - standing.heard_at - standing.deaf_s > (LOST_AFTER_S if reports else QUIET_AFTER_S)


def deaf_for(beat_at: float, now: float) -> float:
    """For how long the service was away, that wrote down at ``beat_at`` for the last time that it is there."""
    return now - beat_at if now - beat_at > DEAF_AFTER_S else 0.0


def ahead_by(beat_at: float, now: float) -> float:
    """How far the service's clock was ahead, that wrote down at ``beat_at`` for the last time that it is there."""
    return beat_at - now if beat_at - now > DEAF_AFTER_S else 0.0


def is_here(standing: Standing, now: float) -> bool:
    """Whether a node was ever heard of, and is still."""
    return standing.heard_at is not None and not is_silent(standing, now)


def _decayed(standing: Standing, now: float) -> float:
    # A clock that was set back lets nothing grow.
    passed = max(0.0, now - standing.penalty_at)
    return float(standing.penalty * 0.5 ** (passed / HALF_LIFE_S))


def _state(standing: Standing) -> State:
    if standing.penalty >= UNSTEADY_AT or (standing.state is State.UNSTEADY and standing.penalty > STEADY_AT):
        return State.UNSTEADY
    return State.AWAY if standing.is_away else State.HERE
