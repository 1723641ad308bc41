"""How much of the time between two moments counts towards deadlines, after which something is suspended or deleted."""

from pillar_service.core.durations import DAY_S

JUMP_S = 3 * DAY_S
"""A step of more than this many seconds makes the clock doubtful; a shorter one may be a weekend without the service."""

SETTLES_S = 7 * DAY_S
"""For this many seconds after such a step forward, nothing is removed for its age."""


def lost(before: float, now: float) -> float:
    """How many of the seconds between two signs of life of the service do not count; negative if the clock went back.

    More than a day between them means that the service was away, so that nobody could pay or bring anything back, or
    that the clock jumped. Nobody is suspended and nothing deleted for that, and once the clock is right again all is as
    before.
    """
    passed = now - before
    return 0.0 if abs(passed) <= DAY_S else passed
