"""Jumps of the service's clock: after one, nothing is removed for its age, so that a wrong clock can be put right first."""

import logging

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict
from pillar_service.core.service import counting
from pillar_service.store.service import audit
from pillar_service.usecases.service import auditing

AHEAD, BACK = "clock.ahead", "clock.back"

log = logging.getLogger(__name__)


def note(passed_s: float, now: float) -> None:
    """Write down a jump of the clock by ``passed_s`` seconds (below 0: backwards), if it is large enough to matter.

    Call it in a transaction.
    """
    if abs(passed_s) > counting.JUMP_S:
        is_ahead, said = passed_s > 0, _days(abs(passed_s))
        log.warning("%s passed at once%s: is the clock right?", said, "" if is_ahead else ", backwards")
        auditing.record("service", AHEAD if is_ahead else BACK, "service", now, said)


def refuse_after_one(now: float) -> None:
    """Raise Conflict for a week after the clock jumped ahead or the service was away, unless the clock jumped back since."""
    last = audit.last((AHEAD, BACK))
    if last is not None and last.action == AHEAD and now < last.at + counting.SETTLES_S:
        left = _days(last.at + counting.SETTLES_S - now)
        raise Conflict(
            f"{last.detail} passed at once: the clock of this place jumped ahead, or the service was away. Nothing is "
            f"removed for its age for another {left}, so that you can correct a wrong clock first."
        )


def _days(seconds: float) -> str:
    count = round(seconds / DAY_S, 1)
    return "1 day" if count == 1 else f"{count:g} days"
