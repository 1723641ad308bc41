"""Who is said to be away: not those who could not be heard because the service itself was away."""

import pytest

from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.store.database import transaction
from pillar_service.store.events import events
from pillar_service.store.nodes import nodes as rows
from pillar_service.store.nodes import standings
from pillar_service.usecases.nodes import nodes, presence

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture(autouse=True)
def two_nodes(service) -> None:
    """Two nodes that reported until 45 s, with the service looking every 5 s."""
    for name in ("comes-back", "is-gone"):
        nodes.add("test", name)
    for now in range(0, 50, 5):
        hears(now, *(("comes-back", "is-gone") if now % 15 == 0 else ()))


def hears(now: float, *reported: str) -> int:
    """Let these nodes report and the service look; return for how many nodes something changed."""
    with transaction():
        for node in reported:
            presence.reported(node, None, now)
    return presence.look(now)


def told(node: str) -> list[str]:
    return [one.type.rpartition(".")[2] for one in reversed(events.of_presence(node, 99))]


def test_an_outage_is_nobodys_silence_and_who_is_gone_is_still_told() -> None:
    assert [hears(now) for now in (350, 355, 400)] == [0, 0, 0], "nodes may wait a minute before they try again"
    assert sum(hears(now, *(["comes-back"] if now % 15 == 0 else [])) for now in range(405, 465, 5)) == 0
    for now in range(465, 600, 5):
        hears(now, *(["comes-back"] if now % 15 == 0 else []))
    assert (told("comes-back"), told("is-gone")) == ([], ["away"])


def test_a_service_that_starts_again_and_again_tells_who_is_gone_all_the_same() -> None:
    for start in range(150, 150 + 12 * 120, 120):
        for now in range(start, start + 25, 5):
            hears(now, *(["comes-back"] if now == start + 20 else []))
    assert (told("comes-back"), told("is-gone")) == ([], ["away"])


def test_who_is_lost_or_cut_off_is_not_counted_as_away() -> None:
    for name in ("is-lost", "is-cut-off"):
        nodes.add("test", name)
        hears(45, name)
    with transaction():
        rows.change("is-lost", lost_at=46.0)
        rows.set_key("is-cut-off", None, KeyState.REVOKED, 46.0)
    for now in range(50, 400, 5):
        hears(now, *(["comes-back"] if now % 15 == 0 else []))
    assert standings.counts() == {"never": 1, "here": 1, "away": 1}, "the third is cellar-1"


@pytest.mark.parametrize("was_heard_ahead", [True, False])
def test_who_died_while_the_clock_was_ahead_is_told_once_that_is_right_again(was_heard_ahead: bool) -> None:
    ahead = 86_400
    for now in range(50, 100, 5):
        both = ("comes-back", "is-gone") if was_heard_ahead else ("comes-back",)
        hears(ahead + now, *(both if now % 15 == 0 else ()))
    for now in range(100, 400, 5):
        hears(now, *(["comes-back"] if now % 15 == 0 else []))
    assert (told("comes-back"), told("is-gone")) == ([], ["away"])


def test_who_was_told_to_be_away_while_the_clock_was_ahead_stays_so() -> None:
    for now in range(86_450, 86_800, 5):
        hears(now, *(["comes-back"] if now % 15 == 0 else []))
    for now in range(400, 500, 5):
        hears(now, *(["comes-back"] if now % 15 == 0 else []))
    assert (told("comes-back"), told("is-gone")) == ([], ["away"])
    assert standings.of(["is-gone"])["is-gone"].presence.heard_at == 45.0
