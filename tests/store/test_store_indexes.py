"""What is looked for all the time among many jobs is looked for by an index, on both databases."""

from collections.abc import Callable

import pytest

from pillar_service.store import database, jobs, old_jobs
from pillar_service.store.claims import OPEN_IN_SQL
from pillar_service.store.database import db

BY_INDEX = {
    "job_idempotency": "SELECT id FROM job WHERE actor = 'a' AND idempotency_key = 'k'",
    "job_run": f"SELECT id FROM job WHERE run IN ('1', '2') AND state IN ({OPEN_IN_SQL})",
    "job_bot": "SELECT id FROM job WHERE bot = 'b' ORDER BY created_at DESC LIMIT 10",
    "job_open_bot": f"SELECT id FROM job WHERE bot IN ('a', 'b') AND state IN ({OPEN_IN_SQL})",
    "job_ended": "SELECT state, COUNT(*) FROM job WHERE ended_at >= 1 AND ended_at < 2 GROUP BY state",
}


@pytest.mark.parametrize("index", BY_INDEX)
def test_an_index_that_holds_few_jobs_is_taken(service: Callable[[], None], index: str) -> None:
    assert index in plan(BY_INDEX[index])


def test_a_run_that_carries_jobs_is_found_by_them(service: Callable[[], None]) -> None:
    assert "job_run" in plan(old_jobs.RUNS.format("1"))


def plan(told: str) -> str:
    """How the database would carry a statement out, which has so few rows here that PostgreSQL would rather read all."""
    if database.on_sqlite():
        return str(db.execute_sql(f"EXPLAIN QUERY PLAN {told}").fetchall())
    with database.transaction():
        for name in ("enable_seqscan", "enable_sort"):
            db.execute_sql(f"SET LOCAL {name} = off")
        return str(db.execute_sql(f"EXPLAIN {told}").fetchall())


def test_of_the_same_key_there_is_one_job(service: Callable[[], None]) -> None:
    columns = {"command": "c", "arguments": {}, "actor": "a", "fingerprint": "", "created_at": 1.0, "not_before": 1.0}
    for n in range(2):
        jobs.add(id=f"{n}", idempotency_key=None, **columns)
    jobs.add(id="2", idempotency_key="k", **columns)
    with pytest.raises(database.FAULTS):
        jobs.add(id="3", idempotency_key="k", **columns)
    database.release()
