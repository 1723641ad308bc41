"""How much is kept of what a node tells is limited: it fills no disk, and takes nothing from others."""

from collections.abc import Callable

import pytest
from eventful import alive, known, told
from pouring import owner

from pillar_service.core.nodes.facts import EVENT_TYPE as FACTS
from pillar_service.store.database import db, transaction
from pillar_service.store.events import events, held
from pillar_service.store.events.events import Event
from pillar_service.usecases.events import events as cases
from pillar_service.usecases.events import forgetting
from pillar_service.usecases.service import retention

pytestmark = pytest.mark.usefixtures("service")

LARGE = "x" * (100 << 10)


@pytest.fixture
def one_mib(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """1 MiB of events is kept for each node."""
    monkeypatch.setenv("CELLAR_KEEP_EVENTS_MIB", "1")
    service()


def kept(node: str = "cellar-1") -> list[int]:
    return [one.sequence for one in events.story(node, None, 10_000)][::-1]


def weighed(node: str = "cellar-1") -> int:
    """The size of a node's events, summed up one by one."""
    question = f"SELECT COALESCE(SUM(LENGTH(data) + 500), 0) FROM event WHERE epoch > 0 AND node = '{node}'"
    return int(db.execute_sql(question).fetchone()[0])


@pytest.mark.usefixtures("one_mib")
def test_a_node_that_tells_without_end_keeps_its_newest_and_no_other_loses_any() -> None:
    cases.take("cellar-2", [told(n, node="cellar-2", data=LARGE) for n in range(1, 6)])
    for n in range(1, 40):
        assert cases.take("cellar-1", [told(n, data=LARGE)])["refused"] == []
    assert kept() == list(range(30, 40))
    assert kept("cellar-2") == [1, 2, 3, 4, 5]
    assert cases.take("cellar-1", [told(3, data=LARGE)])["accepted"] == ["cellar-1/1/3"]
    assert (kept(), held.of("cellar-1")) == (list(range(30, 40)), weighed())


@pytest.mark.usefixtures("one_mib")
def test_small_events_of_a_node_make_room_for_large_ones() -> None:
    for first in range(1, 2001, 500):
        cases.take("cellar-1", [told(n) for n in range(first, first + 500)])
    for n in range(3001, 3011):
        cases.take("cellar-1", [told(n, data=LARGE)])
    assert held.of("cellar-1") == weighed() <= 1 << 20
    assert kept()[-10:] == list(range(3001, 3011))


@pytest.mark.usefixtures("one_mib")
def test_when_a_node_lived_is_known_after_a_flood_of_others() -> None:
    cases.take("cellar-1", [alive(n) for n in range(1, 4)])
    for n in range(4, 40):
        cases.take("cellar-1", [told(n, data=LARGE)])
    assert kept() == [1, 2, 3, *range(30, 40)]
    assert held.of("cellar-1") == weighed() <= 1 << 20


@pytest.mark.usefixtures("one_mib")
def test_a_node_that_calls_all_it_tells_vital_fills_no_disk_either() -> None:
    for n in range(1, 40):
        cases.take("cellar-1", [alive(n, much=LARGE)])
    assert kept() == list(range(30, 40))


@pytest.mark.usefixtures("one_mib")
def test_what_is_vital_is_passed_over_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_PASSED", 2)
    cases.take("cellar-1", [alive(n) for n in range(1, 4)])
    for n in range(4, 40):
        cases.take("cellar-1", [told(n, data=LARGE)])
    assert kept() == [3, *range(30, 40)]


def test_what_is_kept_of_a_node_is_known_whatever_is_forgotten_or_shortened() -> None:
    owner()
    known("cellar-1")
    facts = {"facts": {"os": "Debian"}, "hash": "0" * 32}
    cases.take("cellar-1", [told(1), told(2, data=LARGE), told(3)])
    cases.take("cellar-1", [told(1), told(2, data="another")])
    cases.take("cellar-1", [told(n, FACTS, data=facts, stream="facts") for n in (4, 5)])
    assert held.of("cellar-1") == weighed() > 100 << 10
    Event.update(received_at=0.0).where(Event.sequence == 2).execute()
    assert retention.forget("test")["events"] == 1
    assert held.of("cellar-1") == weighed() < 100 << 10


def test_with_an_account_goes_what_its_nodes_told() -> None:
    person = owner()
    cases.take(known("cellar-1", person), [told(1)])
    with transaction():
        events.forget(events.of_account(person, 10))
    assert held.of("cellar-1") == weighed() == 0


def test_a_place_that_keeps_less_from_now_on_forgets_the_rest_bit_by_bit(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases.take("cellar-1", [told(n, data=LARGE) for n in range(1, 31)])
    monkeypatch.setenv("CELLAR_KEEP_EVENTS_MIB", "1")
    service()
    monkeypatch.setattr(forgetting, "ROWS", 2)
    assert retention.forget("test")["events"] == 20
    assert held.of("cellar-1") == weighed() <= 1 << 20


def test_nothing_goes_where_all_is_to_be_kept(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLAR_KEEP_EVENTS_MIB", "0")
    service()
    cases.take("cellar-1", [told(n, data=LARGE) for n in range(1, 31)])
    assert (len(kept()), retention.forget("test")["events"]) == (30, 0)
