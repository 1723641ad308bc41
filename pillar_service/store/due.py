"""Whether something that was put off is due. A time too far ahead to be plausible counts as due."""

from peewee import Expression, Field

from pillar_service.core.durations import AHEAD_S

DUE = "(not_before <= ? OR not_before > ?)"
"""The condition in SQL; `bounds` gives its values."""


def bounds(now: float, ahead_s: float = AHEAD_S) -> tuple[float, float]:
    """The two values of ``DUE``; more than ``ahead_s`` seconds ahead is not plausible."""
    return now, now + ahead_s


def is_due(moment: Field, now: float, ahead_s: float = AHEAD_S) -> Expression:
    """The same condition for a model's column."""
    come, ahead = bounds(now, ahead_s)
    return (moment <= come) | (moment > ahead)
