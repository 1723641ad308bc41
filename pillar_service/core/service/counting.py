"""How much of the time between two moments counts for what is done because nothing else happened meanwhile."""

from pillar_service.core.durations import DAY_S

JUMP_S = 3 * DAY_S
"""When more passes at once the clock is not trusted at once: a place may be away over a weekend."""

SETTLES_S = 7 * DAY_S
"""For so long after that nothing is removed for its age."""


def lost(before: float, now: float) -> float:
    """Of the seconds between two moments at which the service was there, how many do not count; below 0 when it went back.

    When they are further from each other than a day, nobody could pay or bring anything back, or the clock jumped: nobody is
    suspended and nothing is deleted for that, and once the clock is right again all is as before.
    """
    passed = now - before
    return 0.0 if abs(passed) <= DAY_S else passed
