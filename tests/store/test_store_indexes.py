"""Frequent queries on the table of jobs use an index with few entries, even if there are many jobs."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pillar_service.store import database
from pillar_service.store.database import db
from pillar_service.store.jobs import claims, jobs, old_jobs, runs
from pillar_service.store.service import audit, figures

MANY = [f"{n:016x}" for n in range(150)]
"""Many: for few of them SQLite takes the right index anyway, but for many it would take the one on all states."""

BY_INDEX: Mapping[str, tuple[str, Callable[[], Any]]] = {
    "the same request again": ("job_idempotency", lambda: jobs.with_key("a", "k")),
    "what returned": ("job_run", lambda: jobs.of_runs(MANY)),
    "what starts": ("job_run", lambda: runs.carrying(MANY)),
    "what has started": ("job_run", lambda: jobs.start(MANY, 1.0)),
    "what bots wait for": ("job_open_bot", lambda: claims.open_of_bots(MANY)),
    "how much a bot waits for": ("job_open_bot", lambda: jobs.open_of_bot("b", 100)),
    "a bot's open jobs": ("job_open_bot", lambda: jobs.open_of("b")),
    "a bot's jobs": ("job_bot", lambda: jobs.listed(10, bot="b")),
    "what ended": ("job_ended", lambda: figures.ended_jobs(1.0, 2.0)),
    "who is forgotten": (
        "audit_action",
        lambda: audit.blank_said("ann@example.org", ["sharing.invite", "sharing.join"]),
    ),
    "old runs": ("job_run", lambda: old_jobs.forget_runs(1.0, 10)),
}


@pytest.mark.parametrize("what", BY_INDEX)
def test_an_index_that_holds_few_jobs_is_taken(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    index, look = BY_INDEX[what]
    seen, execute = list[tuple[Any, ...]](), db.obj.execute_sql
    monkeypatch.setattr(db.obj, "execute_sql", lambda *told: seen.append(told) or execute(*told))
    look()
    monkeypatch.undo()
    [(told, values)] = seen
    if database.on_sqlite():  # PostgreSQL decides by the number of rows, which is zero here.
        assert f"{index} " in str(db.execute_sql(f"EXPLAIN QUERY PLAN {told}", values).fetchall())


def test_of_the_same_key_there_is_one_job(service: Callable[[], None]) -> None:
    columns = {"command": "c", "arguments": {}, "actor": "a", "fingerprint": "", "created_at": 1.0, "not_before": 1.0}
    for n in range(2):
        jobs.add(id=f"{n}", idempotency_key=None, **columns)
    jobs.add(id="2", idempotency_key="k", **columns)
    with pytest.raises(database.FAULTS):
        jobs.add(id="3", idempotency_key="k", **columns)
    database.release()
