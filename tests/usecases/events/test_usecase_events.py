"""Events are kept once, whole and in their node's order; only those that can't be kept are refused."""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from eventful import TYPE, alive, known, told
from pouring import event as health_event
from pouring import owner, poured, report

from pillar_service.core.errors import Invalid
from pillar_service.core.events.events import PRESENCE_EPOCH, Filter, Kind
from pillar_service.core.events.gaps import Gap, Reason
from pillar_service.core.events.submission import GAP, MOST_NUMBER, Priority
from pillar_service.core.nodes.signatures import Request
from pillar_service.store import database
from pillar_service.store.bots import samples
from pillar_service.store.events import events
from pillar_service.store.nodes import nodes
from pillar_service.usecases.events import events as cases
from pillar_service.usecases.service.grouping import Group

pytestmark = pytest.mark.usefixtures("service")


def kept(node: str = "cellar-1") -> list[tuple[int, int]]:
    return [(one.epoch, one.sequence) for one in events.story(node, None, 10_000)][::-1]


def test_what_is_accepted_is_kept_as_it_was_told() -> None:
    said = {"n": 1, "text": "é\x00\ud800", "deep": [{"a": None}]}
    answer = cases.take("cellar-1", [told(1, data=said, at=1e9, mono=7.5, is_synced=False)])
    assert answer == {"accepted": ["cellar-1/1/1"], "refused": []}
    [one] = events.story("cellar-1", None, 10)
    assert (one.kind, one.type, one.subject, one.stream, one.priority) == ("submission", TYPE, "x", "default", 2)
    assert (one.at, one.mono, one.boot, one.is_synced, one.account) == (1e9, 7.5, "boot-1", False, None)
    assert one.data == said
    assert nodes.find("cellar-1").last_seen == one.received_at


def test_the_same_again_changes_nothing() -> None:
    batch = [told(n) for n in range(1, 6)]
    first, again = cases.take("cellar-1", batch), cases.take("cellar-1", [*batch, told(2), told(6)])
    assert first["accepted"] == again["accepted"][:5]
    assert kept() == [(1, n) for n in range(1, 7)]
    [epoch] = events.epochs(["cellar-1"])
    assert (epoch.highest, epoch.taken, epoch.refused, epoch.lost) == (6, 6, 0, 0)


def test_another_event_of_the_same_place_is_not_kept() -> None:
    cases.take("cellar-1", [told(1, data="first")])
    assert cases.take("cellar-1", [told(1, data="second")])["accepted"] == ["cellar-1/1/1"]
    assert [one.data for one in events.story("cellar-1", None, 10)] == ["first"]


def test_batches_may_come_in_any_order() -> None:
    numbers = list(range(1, 101))
    random.Random(5).shuffle(numbers)
    for start in range(0, 100, 7):
        cases.take("cellar-1", [told(n) for n in numbers[start : start + 7]])
    cases.take("cellar-1", [told(1, epoch=2)])
    assert kept() == [*((1, n) for n in range(1, 101)), (2, 1)]


WRONG: list[Any] = [
    None, 7, "x", [], {}, {"id": None}, {"specversion": "0.3"}, {"specversion": None}, {"source": "cellar-2"},
    {"source": None}, {"id": "cellar-2/1/9"}, {"id": "cellar-1/1/8"}, {"cellarepoch": 0}, {"cellarepoch": True},
    {"cellarepoch": MOST_NUMBER + 1}, {"cellarsequence": -1}, {"cellarsequence": 1.5}, {"type": "x"}, {"type": None},
    {"type": "a..b"}, {"type": "nz.butt.saltcellar.presence.back"}, {"subject": ""}, {"subject": "a\nb"},
    {"subject": "\ud800"}, {"stream": None, "cellarstream": "A B"}, {"cellarpriority": 5}, {"time": "yesterday"},
    {"time": "2026-01-01T00:00:00"}, {"cellarmono": 1.5}, {"cellarmono": "1e400"}, {"cellarboot": 5},
    {"cellarsynced": "yes"}, {"data": "x" * (cases.LARGEST + 1)}, {"data": float("nan")},
    {"type": GAP}, {"type": GAP, "data": {"epoch": 1}}, {"type": "nz.butt.saltcellar.pub.health", "data": {}},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: ascii(value)[:60])
def test_what_can_not_be_kept_is_refused_alone(wrong: Any) -> None:
    bad = told(9) | wrong if isinstance(wrong, dict) and wrong else wrong
    answer = cases.take("cellar-1", [told(1), bad, told(2)])
    assert answer["accepted"] == ["cellar-1/1/1", "cellar-1/1/2"]
    [refused] = answer["refused"]
    assert isinstance(refused["id"], str)
    assert refused["why"].endswith(".")
    assert kept() == [(1, 1), (1, 2)]


@pytest.mark.parametrize("batch", [None, {}, "x", 7, [told(1)] * (cases.MOST_EVENTS + 1)])
def test_what_is_no_batch_is_not_taken(batch: Any) -> None:
    with pytest.raises(Invalid):
        cases.take("cellar-1", batch)
    assert kept() == []


def test_what_is_nested_without_end_is_refused_alone() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert cases.take("cellar-1", [told(1), told(2) | {"data": deep}])["accepted"] == ["cellar-1/1/1"]


def test_events_are_of_the_account_that_the_node_is_of() -> None:
    ann = owner()
    known("ann-1", ann)
    claimed = told(1, node="ann-1", data={"account": "other", "node": "cellar-1"})
    assert cases.take("ann-1", [claimed])["accepted"]
    assert [one.account for one in events.page(events.Which(Filter()), 10)] == [ann]


def test_gaps_are_counted() -> None:
    gap = Gap(1, 3, 7, 4, Reason.FULL, "default", Priority.NORMAL)
    batch = [told(1), told(2), told(5), told(8, GAP, data=gap.data())]
    for _ in range(2):
        cases.take("cellar-1", batch)
    [epoch] = events.epochs(["cellar-1"])
    assert (epoch.highest, epoch.taken, epoch.lost) == (8, 4, 4)
    assert events.page(events.Which(Filter(kind=Kind.GAP)), 5)[0].severity == 2


def test_health_reports_go_on_to_their_bots_once() -> None:
    owner()
    id = poured()["id"]
    data = health_event(report(id))["data"]
    wired = told(1, "nz.butt.saltcellar.pub.health", data=data, stream="health")
    for _ in range(2):
        assert cases.take("cellar-1", [wired])["accepted"] == ["cellar-1/1/1"]
    assert len(samples.newest(id, 10)) == 1
    assert nodes.find("cellar-1").facts["docker"] is True
    assert [one.kind for one in events.story("cellar-1", None, 10)] == ["health"]


def test_with_the_nodes_token_come_health_reports_alone() -> None:
    owner()
    old = health_event(report(poured()["id"]))
    answer = cases.take("cellar-1", [old, told(1), alive(2)], is_signed=False)
    assert answer["accepted"] == ["cellar-1/1/1"]
    assert [one["id"] for one in answer["refused"]] == ["cellar-1/1/1", "cellar-1/1/2"]
    assert kept() == []


def test_a_number_is_never_given_twice() -> None:
    cases.take("cellar-1", [told(n) for n in range(1, 4)])
    before = events.newest()
    assert events.forget(events.old(Kind.SUBMISSION, 9e9, 100)) == 3
    cases.take("cellar-1", [told(4)])
    assert events.page(events.Which(Filter()), 1)[0].n > before
    assert events.newest() > before


def test_events_are_found_by_what_they_are() -> None:
    cases.take("cellar-1", [told(1), told(2, "org.exampleb.x"), told(3, subject="y", stream="s"), alive(4)])

    def found(**asked: Any) -> list[int]:
        return [one.sequence for one in events.page(events.Which(Filter.read(**asked)), 10)]

    assert found() == [4, 3, 2, 1]
    assert found(type="org.example.*") == [3, 1]
    assert found(type="org.exampleb*") == [2]
    assert found(type=TYPE, subject="y") == [3]
    assert found(stream="s") == [3]
    assert found(kind="lifecycle") == [4]
    assert found(node="cellar-2") == []
    assert found(type="*") == [4, 3, 2, 1]
    assert [one.sequence for one in events.page(events.Which(Filter(), since=9e9), 10)] == []


def test_a_hundred_at_once_lose_and_double_nothing() -> None:
    """Twenty nodes send the same batches five times each."""
    places = [f"many-{n}" for n in range(20)]
    for node in places:
        known(node) if node == places[0] else nodes.add(node, 4, 1, 2)

    def bring(node: str) -> None:
        try:
            for start in (1, 6):
                cases.take(node, [told(n, node=node) for n in range(start, start + 5)])
        finally:
            database.release()

    at_once = 100 if database.on_sqlite() else 40  # PostgreSQL has a limited number of connections.
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(bring, places * 5))
    for node in places:
        assert kept(node) == [(1, n) for n in range(1, 11)]
        [epoch] = events.epochs([node])
        assert (epoch.highest, epoch.taken) == (10, 10)


def test_what_several_nodes_bring_at_once_shares_a_commit_and_is_there_when_it_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places, together = [f"at-once-{n}" for n in range(8)], []

    def keep(given: list[cases.Given]) -> list[list[dict[str, str]]]:
        together.append(len(given))
        return cases._keep_all(given)

    monkeypatch.setattr(cases, "_together", group := Group(keep, 6))
    for node in places:
        nodes.add(node, 4, 1, 2)

    def bring(node: str) -> list[tuple[int, int]]:
        try:
            assert cases.take(node, [told(n, node=node) for n in (1, 2)])["refused"] == []
            return kept(node)
        finally:
            database.release()

    with ThreadPoolExecutor(len(places)) as pool:
        with database.transaction():
            told_of = [pool.submit(bring, node) for node in places]
            ends = time.monotonic() + 4  # less than a writer waits before giving up
            while len(group._waiting) < len(places) and time.monotonic() < ends:
                time.sleep(0.01)
        assert [one.result(30) for one in told_of] == [[(1, 1), (1, 2)]] * len(places)
    assert together == [6, 2]


def test_ids_are_numbers_of_this_node_alone() -> None:
    refused = [{"id": "cellar-1/1/5"}, {"id": "cellar-2/1/5"}, {"id": "x"}, {"id": "cellar-1/-1/5"}]
    batch = cases.Batch("cellar-1", refused=[{**one, "why": ""} for one in refused])
    assert cases._progress(batch, [], None) == [(1, 5, 0, 1, 0, 0)]
    assert json.dumps(refused)


def test_of_a_node_that_names_epochs_without_end_the_newest_are_remembered() -> None:
    cases.take("cellar-1", [told(1, epoch=5000), told(2, epoch=5000)], request=Request(5000, 7))
    for first in range(1, 2001, 500):
        cases.take("cellar-1", [told(1, epoch=epoch) for epoch in range(first, first + 500)])
        cases.take("cellar-1", [told(3 + first, epoch=5000)], request=Request(5000, 7 + first))
    wrong = [told(1, epoch=epoch) | {"specversion": "0.3"} for epoch in range(3001, 3901)]
    cases.take("cellar-1", wrong)
    known = {one.epoch for one in events.epochs(["cellar-1"])}
    assert len(known - {PRESENCE_EPOCH}) == 1000
    assert {5000, 3900} <= known
