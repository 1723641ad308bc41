"""The spool: on disk before it says yes, in order, and with numbers that are never given twice."""

import sqlite3
import time
from typing import Any

import pytest
from spooling import DAY_S, KIND, Clock, numbers

from pillar_service.core.errors import Invalid
from pillar_service.core.events.gaps import Reason
from pillar_service.core.events.submission import GAP, Priority
from pillar_service.node import clock
from pillar_service.node.paths import Home
from pillar_service.node.spool import Place, Spool, losses


def test_what_was_taken_is_there_for_the_next_process(home: Home, spool: Spool, time_of_day: Clock) -> None:
    places = [spool.put(KIND, "node", {"n": n}) for n in range(5)]
    other = Spool(home, now=time_of_day)
    assert numbers(other) == [0, 1, 2, 3, 4]
    assert [place.sequence for place in places] == [1, 2, 3, 4, 5]
    assert {place.epoch for place in places} == {other.batch().epoch}


def test_it_forgets_only_what_is_settled(spool: Spool) -> None:
    places = [spool.put(KIND, "node", {"n": n}) for n in range(4)]
    spool.settle([places[0], places[2]], {places[1]: "no such thing"})
    assert numbers(spool) == [3]
    assert [(one["sequence"], one["why"], one["data"]) for one in spool.dead()] == [(2, "no such thing", {"n": 1})]
    spool.settle([Place(places[3].epoch + 1, 4)], {})  # of another epoch
    assert numbers(spool) == [3]
    assert spool.retry() == 1
    assert (numbers(spool), spool.dead()) == ([3, 1], [])


def test_a_number_is_never_given_twice(home: Home, spool: Spool, time_of_day: Clock) -> None:
    given = set()
    for turn in range(12):
        place = spool.put(KIND, "node", {"n": 1})
        assert place not in given
        given.add(place)
        spool.settle([place], {})
        if turn % 4 == 1:
            time_of_day.reboot()
            time_of_day.at -= 40 * DAY_S
            spool.close()
        if turn % 4 == 3:
            spool.close()
            for file in home.state.glob("spool.db*"):
                file.unlink()
    assert [place.epoch for place in sorted(given)] == sorted(place.epoch for place in given)


def test_a_disk_that_was_set_back_says_no_number_twice(home: Home, spool: Spool, time_of_day: Clock) -> None:
    """A node is restored from a snapshot, and boots from an old disk."""
    spool.put(KIND, "node", {"n": 0})
    spool.close()
    snapshot = {path: path.read_bytes() for path in home.state.iterdir()}
    time_of_day.reboot()
    time_of_day.pass_by(60)
    second = spool.put(KIND, "node", {"n": 1})
    spool.close()
    for path, written in snapshot.items():
        path.write_bytes(written)
    time_of_day.reboot()
    time_of_day.pass_by(60)
    assert spool.put(KIND, "node", {"n": 2}) > second
    assert numbers(spool) == [0, 2]


def test_what_is_dear_goes_first_and_takes_its_stream_along(spool: Spool) -> None:
    for n in range(3):
        spool.put(KIND, "node", {"n": n}, stream="s", priority=Priority.LOW)
    spool.put(KIND, "node", {"n": 9}, priority=Priority.HIGH)
    assert numbers(spool) == [9, 0, 1, 2]
    spool.put(KIND, "node", {"n": 3}, stream="s", priority=Priority.VITAL)
    spool.put(KIND, "node", {"n": 4}, stream="s", priority=Priority.BULK)
    assert numbers(spool) == [0, 1, 2, 3, 9, 4]


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "x"},
        {"type": "UPPER.CASE"},
        {"type": "org.example\n.x"},
        {"subject": ""},
        {"subject": "two\nlines"},
        {"stream": "with space"},
        {"priority": 7},
        {"data": {"x": "y" * 250_000}},
        {"data": {"x": {1, 2}}},
        {"data": float("nan")},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_what_makes_no_sense_is_refused(spool: Spool, wrong: dict) -> None:
    told = {"type": KIND, "subject": "node", "data": {"n": 1}, **wrong}
    with pytest.raises(Invalid):
        spool.put(told.pop("type"), told.pop("subject"), told.pop("data"), **told)
    assert (spool.status()["waiting"], spool.status()["refused"]) == (0, 0)


def test_what_is_no_text_is_told_as_far_as_it_is(spool: Spool) -> None:
    spool.put(KIND, "node", {"n": 1, "x": "lone \ud800", "y": "é"})
    [one] = spool.batch().events
    assert one.data == {"n": 1, "x": "lone ?", "y": "é"}


def test_dead_letters_are_bounded(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "MOST_DEAD", 3)
    places = [spool.put(KIND, "node", {"n": n}) for n in range(5)]
    spool.settle([], dict.fromkeys(places, "no"))
    assert [one["data"]["n"] for one in spool.dead()] == [2, 3, 4]
    monkeypatch.setattr(losses, "MOST_DEAD_BYTES", 700)
    spool.settle([], {spool.put(KIND, "node", {"n": 5}): "no"})
    assert [one["data"]["n"] for one in spool.dead()] == [4, 5]


def test_the_file_is_roots_alone_and_written_through(home: Home, spool: Spool) -> None:
    spool.put(KIND, "node", {"n": 1})
    assert oct(spool.path.stat().st_mode & 0o777) == "0o600"
    assert spool._connection is not None
    assert spool._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    with sqlite3.connect(spool.path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_this_moment_knows_its_boot() -> None:
    moment = clock.now()
    assert len(moment.boot) == 36
    assert abs(moment.at - time.time()) < 5
    assert moment.is_synced in (True, False)


def nested(deep: int, inner: Any = 1) -> Any:
    data = inner
    for n in range(deep):
        data = [data] if n % 2 else {"a": data}
    return data


def test_no_event_is_taken_that_can_not_be_read_again_where_the_others_wait(spool: Spool) -> None:
    for deep in (65, 500, 950, *range(970, 1000)):
        with pytest.raises(Invalid, match="nested at most 64 deep"):
            spool.put(KIND, "node", nested(deep))
    spool.put(KIND, "node", nested(64))
    spool.put(KIND, "node", [[]] * 1000)
    assert [one.data for one in spool.batch().events] == [nested(64), [[]] * 1000]


@pytest.mark.parametrize("data", ["{", "[" * 2000 + "]" * 2000, "\x00" * 20])
def test_an_event_that_can_not_be_read_any_more_is_lost_and_holds_up_no_other(spool: Spool, data: str) -> None:
    places = [spool.put(KIND, "node", {"n": n}) for n in range(3)]
    with sqlite3.connect(spool.path) as at:
        at.execute("UPDATE event SET data = ? WHERE n = ?", (data, places[1].n))
    at.close()
    told = spool.batch().events
    assert [one.data["n"] for one in told] == [0, 2]
    spool.settle([places[0], places[2]], {})
    [gap] = spool.batch().events
    assert (gap.type, gap.data["reason"], gap.data["first"], gap.data["count"]) == (GAP, Reason.BROKEN, 2, 1)
