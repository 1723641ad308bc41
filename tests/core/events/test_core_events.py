"""The kind of an event, its severity, and which events match a filter."""

from typing import Any

import pytest

from pillar_service.core.errors import Invalid
from pillar_service.core.events.events import Filter, Kind, Severity, kind_of, severity_of

OURS = "nz.butt.saltcellar."


@pytest.mark.parametrize(
    ("type", "kind"),
    [
        (f"{OURS}lifecycle.start", Kind.LIFECYCLE),
        (f"{OURS}presence.away", Kind.LIFECYCLE),
        (f"{OURS}pub.health", Kind.HEALTH),
        (f"{OURS}facts", Kind.FACTS),
        (f"{OURS}facts.more", Kind.SUBMISSION),
        (f"{OURS}spool.gap", Kind.GAP),
        (f"{OURS}machine.action", Kind.MACHINE),
        (f"{OURS}bundle.refused", Kind.MACHINE),
        (f"{OURS}job.result", Kind.SUBMISSION),
        ("org.example.lifecycle.start", Kind.SUBMISSION),
    ],
)
def test_the_kind_is_said_by_the_type(type: str, kind: Kind) -> None:
    assert kind_of(type) is kind


@pytest.mark.parametrize(
    ("type", "data", "severity"),
    [
        ("org.example.x", {"severity": "critical"}, Severity.CRITICAL),
        ("org.example.x", {"severity": "Warning"}, Severity.WARNING),
        ("org.example.x", {"severity": "dire"}, Severity.INFO),
        ("org.example.x", {"severity": 2}, Severity.INFO),
        ("org.example.x", ["critical"], Severity.INFO),
        (f"{OURS}lifecycle.alive", {"severity": "critical"}, Severity.INFO),
        (f"{OURS}machine.gave-up", {}, Severity.CRITICAL),
        (f"{OURS}spool.gap", {}, Severity.CRITICAL),
        (f"{OURS}pub.health", {"bots": [{"status": "running", "answers": True}]}, Severity.INFO),
        (f"{OURS}pub.health", {"bots": [{"status": "running", "answers": False}]}, Severity.WARNING),
        (f"{OURS}pub.health", {"bots": 7}, Severity.INFO),
    ],
)
def test_how_grave_it_is(type: str, data: Any, severity: Severity) -> None:
    assert severity_of(type, data) is severity


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "x"},
        {"severity": "dire"},
        {"type": "a[b]"},
        {"type": "a%"},
        {"node": "a\nb"},
        {"node": 7},
        {"subject": "x" * 201},
        {"colour": "red"},
    ],
)
def test_what_can_not_be_asked_for(asked: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Filter.read(**asked)
