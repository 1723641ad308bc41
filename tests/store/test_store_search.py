"""What grows without limit is searched by an index, or only among the newest."""

from collections.abc import Callable
from typing import Any

import pytest

from pillar_service.core.searching import Place
from pillar_service.store import database, search
from pillar_service.store.database import db
from pillar_service.store.events import events
from pillar_service.store.jobs import jobs
from pillar_service.store.service import audit

MANY = 300


@pytest.fixture
def plans(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], list[str]]:
    """Gives SQLite's query plans for a function; PostgreSQL decides by the number of rows, which is small here."""

    def carried_out(look: Callable[[], Any]) -> list[str]:
        seen, execute = list[tuple[Any, ...]](), db.obj.execute_sql
        with monkeypatch.context() as patched:
            patched.setattr(db.obj, "execute_sql", lambda *told: seen.append(told) or execute(*told))
            look()
        if not database.on_sqlite():
            return []
        explained = [db.execute_sql(f"EXPLAIN QUERY PLAN {told}", values).fetchall() for told, values in seen]
        return [", ".join(str(row[3]) for row in rows) for rows in explained]

    return carried_out


LOOKS = {
    "jobs": lambda: search.jobs("abcd", ["bots.create"], ["account:1"], 20),
    "events": lambda: search.events(Place("cellar-1", 1), "word", 20),
    "audit": lambda: search.audit("word", "abcd", ["account:1"], ["agent:1"], 20),
    "actors": lambda: search.actors(["account:1"]),
}


@pytest.mark.parametrize("what", LOOKS)
def test_nothing_is_read_from_end_to_end_or_sorted(plans: Callable[[Callable[[], Any]], list[str]], what: str) -> None:
    for plan in plans(LOOKS[what]):
        is_for_newest = "rowid>?" in plan and "SCALAR SUBQUERY" in plan  # the range of the newest
        assert "SCAN t" not in plan or is_for_newest, plan
        assert "TEMP B-TREE" not in plan or "id>? AND id<?" in plan, plan  # few ids start with those four letters


def test_a_part_of_a_text_is_looked_for_among_the_newest(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "NEWEST", 10)
    with database.transaction():
        for n in range(30):
            audit.add_all([audit.Said(f"{n:016x}", float(n), "account:1", "many", f"job:{n}", f"old wine {n:02}.")])
        row = ["submission", "org.example.wine", "x", "s", 2, 0, 1.0, 1.0, "b", 1, "{}"]
        events.add([["n", None, 1.0, 1, n, *row] for n in range(1, 31)])
    newest = [f"job:{n}" for n in range(29, 19, -1)]
    assert [one.subject for one in search.audit("wine", None, [], [], 5)] == newest[:5]
    assert [one.subject for one in search.audit("wine", None, [], [], 50)] == newest
    assert [one.subject for one in search.audit("wine", None, [], ["job:3"], 50)] == [*newest, "job:3"]
    assert len(search.events(None, "wine", 50)) == 10
    assert [one.sequence for one in search.events(Place("n", 1, 3), "beer", 50)] == [3]
    assert len(search.events(Place("n"), "beer", 50)) == 30


def test_a_job_on_many_nodes_is_found_once_and_its_parts_by_their_ids(service: Callable[[], None]) -> None:
    columns = {"command": "c", "arguments": {}, "actor": "a", "fingerprint": "", "not_before": 1.0}
    with database.transaction():
        jobs.add(id="beef000000000000", created_at=1.0, parts=MANY, **columns)
        for n in range(MANY):
            jobs.add(id=f"{n:016x}", created_at=2.0, parent="beef000000000000", **columns)
    assert [one.id for one in search.jobs(None, ["c"], [], 20)] == ["beef000000000000"]
    assert [one.id for one in search.jobs(None, [], ["a"], 20)] == ["beef000000000000"]
    assert len(search.jobs("000000000000001", [], [], 20)) == 16
    assert [one.id for one in search.jobs("beef", [], [], 20)] == ["beef000000000000"]
