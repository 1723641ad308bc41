import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillar_service.core.bots.health import LOST_AFTER_S, PULSE_S, accumulated, judged, reported, seen
from pillar_service.core.people.agents import Actual


@pytest.mark.parametrize(
    ("status", "health", "answers", "uptime", "means"),
    [
        ("running", "healthy", True, 99, Actual.ALIVE),
        ("running", "none", True, 1, Actual.ALIVE),
        ("running", "unhealthy", True, 99, Actual.SICK),
        ("running", "healthy", False, 99, Actual.SICK),
        ("running", "starting", False, 5, Actual.PROVISIONING),
        ("running", "starting", False, 99, Actual.SICK),
        ("exited", "none", False, 0, Actual.STOPPED),
        ("created", "none", False, 0, Actual.STOPPED),
        ("restarting", "none", False, 0, Actual.SICK),
        ("missing", "none", False, 0, Actual.GONE),
    ],
)
def test_what_a_report_means(status: str, health: str, answers: bool, uptime: int, means: Actual) -> None:
    assert reported({"status": status, "health": health, "answers": answers, "uptime_s": uptime}) is means


@pytest.mark.parametrize(
    ("docker", "age", "means"),
    [
        ("healthy", PULSE_S, "unhealthy"),
        ("starting", 1.0, "healthy"),
        ("unhealthy", 1.0, "healthy"),
        ("starting", None, "starting"),
        ("unhealthy", None, "unhealthy"),
        ("none", 1.0, "none"),
        ("odd", 1.0, "none"),
    ],
)
def test_a_pulse_tells_more_than_docker_which_looks_seldom(docker: str, age: float | None, means: str) -> None:
    assert judged(docker, age) == means


def test_silence_is_lost_but_only_where_word_is_expected() -> None:
    late = LOST_AFTER_S + 1
    assert seen(Actual.ALIVE, 0.0, LOST_AFTER_S) is Actual.ALIVE
    assert seen(Actual.ALIVE, 0.0, late) is Actual.LOST
    assert seen(Actual.PROVISIONING, 0.0, late) is Actual.PROVISIONING
    assert seen(Actual.GONE, 0.0, late) is Actual.GONE
    assert seen(Actual.ALIVE, None, late) is Actual.ALIVE


@given(st.lists(st.lists(st.integers(0, 10**12), max_size=5), max_size=5))
def test_a_counter_survives_resets(lives: list[list[int]]) -> None:
    kept: dict[str, int] = {}
    total = 0
    for life in lives:
        # Each life of a container counts up from zero; a reading below the previous one shows the reset.
        for reading in sorted(life):
            total, kept = accumulated(kept, reading, "rx_bytes")
    highest = max((max(life) for life in lives if life), default=0)
    assert total >= highest
    assert total == kept.get("rx_bytes", 0)


def test_a_reset_adds_what_was_counted_since() -> None:
    _, kept = accumulated({}, 100, "rx_bytes")
    assert accumulated(kept, 150, "rx_bytes")[0] == 150
    assert accumulated(kept, 30, "rx_bytes")[0] == 130
