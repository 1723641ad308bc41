"""Whether something that was put off is due. A time too far ahead to be plausible counts as due."""

from peewee import Expression, Field

from pillar_service.core.durations import AHEAD_S

DUE = "(not_before <= ? OR not_before > ?)"
"""The condition in SQL; `bounds` gives its values."""


def bounds(now: float) -> tuple[float, float]:
    """The two values of ``DUE``."""
    return now, now + AHEAD_S


def is_due(moment: Field, now: float) -> Expression:
    """The same condition for a model's column."""
    come, ahead = bounds(now)
    return (moment <= come) | (moment > ahead)
