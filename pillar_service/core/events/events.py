"""Events as the service keeps them: the kind of each type, how severe each event is, and filters for them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots import health
from pillar_service.core.errors import Invalid
from pillar_service.core.events import submission

OURS = "nz.butt.saltcellar."
PRESENCE_EPOCH = 0
"""The epoch of the events that the service itself makes about a node. Nodes' own epochs begin at 1, so they can't forge one."""

LONGEST = 200
PATTERN = re.compile(r"[a-z0-9.*-]+", re.ASCII)
MOST_LISTED = 500


class Kind(StrEnum):
    """What events are about."""

    LIFECYCLE = "lifecycle"
    HEALTH = "health"
    FACTS = "facts"
    MACHINE = "machine"
    GAP = "gap"
    SUBMISSION = "submission"


class Severity(IntEnum):
    """How severe an event is."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


class Presence(StrEnum):
    """Types of the events that the service makes when a node falls silent, or is heard from again."""

    AWAY = "nz.butt.saltcellar.presence.away"
    BACK = "nz.butt.saltcellar.presence.back"
    UNSTEADY = "nz.butt.saltcellar.presence.unsteady"


BEGINNINGS = {
    submission.GAP: Kind.GAP,
    health.EVENT_TYPE: Kind.HEALTH,
    f"{OURS}facts": Kind.FACTS,
    f"{OURS}lifecycle.": Kind.LIFECYCLE,
    f"{OURS}presence.": Kind.LIFECYCLE,
    f"{OURS}machine.": Kind.MACHINE,
    f"{OURS}bundle.": Kind.MACHINE,
}
"""The kinds by the beginning of a type; a key without a dot at its end is a whole type. All other types are submissions."""


@lru_cache(1024)
def kind_of(type: str) -> Kind:
    """The kind of an event of that type."""
    for beginning, kind in BEGINNINGS.items():
        if type == beginning or (beginning.endswith(".") and type.startswith(beginning)):
            return kind
    return Kind.SUBMISSION


SEVERITIES = {
    submission.GAP: Severity.CRITICAL,
    submission.Lifecycle.CLOCK: Severity.WARNING,
    submission.Lifecycle.CONVERGED: Severity.WARNING,
    submission.Lifecycle.NOT_CONVERGED: Severity.CRITICAL,
    Presence.AWAY: Severity.CRITICAL,
    Presence.BACK: Severity.WARNING,
    Presence.UNSTEADY: Severity.WARNING,
    f"{OURS}machine.gave-up": Severity.CRITICAL,
    f"{OURS}machine.broken": Severity.CRITICAL,
    f"{OURS}machine.action": Severity.WARNING,
    f"{OURS}bundle.refused": Severity.CRITICAL,
    f"{OURS}bundle.mended": Severity.WARNING,
}


def severity_of(type: str, data: Any) -> Severity:
    """How severe an event is: ours by its type, a health report by its bots, any other by its own ``severity``."""
    if type == health.EVENT_TYPE:
        return _of_health(data)
    if type.startswith(OURS):
        return SEVERITIES.get(type, Severity.INFO)
    told = data.get("severity") if isinstance(data, dict) else None
    return Severity[told.upper()] if isinstance(told, str) and told.upper() in Severity.__members__ else Severity.INFO


def _of_health(data: Any) -> Severity:
    bots = data.get("bots") if isinstance(data, Mapping) else None
    told = [bot for bot in bots if isinstance(bot, Mapping)] if isinstance(bots, list) else []
    is_well = all(bot.get("status") != "running" or bot.get("answers") for bot in told)
    return Severity.INFO if is_well else Severity.WARNING


def severity(given: object) -> Severity:
    """The severity of that name (`warning`); raises Invalid."""
    if isinstance(given, str) and given.upper() in Severity.__members__:
        return Severity[given.upper()]
    there = ", ".join(name.lower() for name in Severity.__members__)
    raise Invalid(f"{names.shown(given)} is not a known severity; use one of: {there}.")


@dataclass(frozen=True)
class Filter:
    """Which events are wanted; None does not filter. ``type`` may contain asterisks: `org.example.*`."""

    node: str | None = None
    kind: Kind | None = None
    type: str | None = None
    stream: str | None = None
    subject: str | None = None
    severity: Severity = Severity.INFO

    @classmethod
    def read(cls, **given: object) -> "Filter":
        """A filter from texts, of which empty ones do not filter; raises Invalid."""
        asked = {name: value for name, value in given.items() if value not in (None, "")}
        if unknown := set(asked) - set(cls.__dataclass_fields__):
            raise Invalid(f"Events can't be filtered by {names.shown(min(unknown))}.")
        found: dict[str, Any] = {
            name: names.text(value, name, LONGEST) for name, value in asked.items() if name != "severity"
        }
        if "kind" in found:
            found["kind"] = names.one_of(Kind, found["kind"], "kind of event")
        if "type" in found and not PATTERN.fullmatch(found["type"]):
            raise Invalid(f"{names.shown(found['type'])} is not a type of event: write it as 'org.example.*'.")
        if "severity" in asked:
            found["severity"] = severity(asked["severity"])
        return cls(**found)
