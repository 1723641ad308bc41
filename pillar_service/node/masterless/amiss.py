"""Which bots are amiss: those that should run according to the pillar, but whose container is missing or has ended."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core.people.agents import Desired

ENDED = frozenset({"created", "exited", "dead"})
"""Docker's states of containers that it does not start again by itself."""


def found(bots: Mapping[str, Mapping[str, Any]], listed: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The ids of bots that are amiss. ``bots``: their entries in the pillar; ``listed``: Docker's list entries, by bot.

    Bots that should be stopped or absent are ignored: without a master nothing is stopped or removed.
    """
    should = [bot for bot, entry in sorted(bots.items()) if entry["state"] == Desired.RUNNING]
    return [bot for bot in should if bot not in listed or listed[bot]["State"] in ENDED]
