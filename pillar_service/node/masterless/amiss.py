"""Which bots are not as the pillar tells: those that should run, and whose container is not there or ended."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core.people.agents import Desired

ENDED = frozenset({"created", "exited", "dead"})
"""Docker's states of a container that it does not start again by itself."""


def found(bots: Mapping[str, Mapping[str, Any]], listed: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The ids of such bots. ``bots``: as told; ``listed``: the containers by bot, as Docker lists them.

    What should be stopped or absent is left alone: without the centre nothing is stopped or removed.
    """
    should = [bot for bot, entry in sorted(bots.items()) if entry["state"] == Desired.RUNNING]
    return [bot for bot in should if bot not in listed or listed[bot]["State"] in ENDED]
