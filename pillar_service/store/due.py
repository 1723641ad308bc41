"""What a stored time says now. One too far ahead was written by a clock that was set back since (`core.durations`)."""

from peewee import Expression, Field

from pillar_service.core.durations import AHEAD_S

DUE = "(not_before <= ? OR not_before > ?)"
"""In SQL, whether what was put off is due; a time that is too far ahead counts as due. `bounds` gives the values."""


def bounds(now: float, ahead_s: float = AHEAD_S) -> tuple[float, float]:
    """The two values of ``DUE``; more than ``ahead_s`` seconds ahead is not plausible."""
    return now, now + ahead_s


def is_due(moment: Field, now: float, ahead_s: float = AHEAD_S) -> Expression:
    """The same condition for a model's column."""
    return (moment <= now) | is_from_ahead(moment, now, ahead_s)


def is_from_ahead(moment: Field, now: float, ahead_s: float = AHEAD_S) -> Expression:
    """Whether a model's column holds a time that the clock wrote while it was ahead: `durations.is_from_ahead` in SQL."""
    return moment > now + ahead_s
