"""Whether what was put off is due. A moment too far ahead to be believed does not keep it waiting."""

from peewee import Expression, Field

from pillar_service.core.durations import AHEAD_S

DUE = "(not_before <= ? OR not_before > ?)"
"""The condition in SQL; its values are ``bounds``."""


def bounds(now: float) -> tuple[float, float]:
    """The two values of ``DUE``."""
    return now, now + AHEAD_S


def is_due(moment: Field, now: float) -> Expression:
    """The same condition for a column of a model."""
    come, ahead = bounds(now)
    return (moment <= come) | (moment > ahead)
