"""Asking for commands from many threads at once: each job is made once, and audited."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chatting import ANN, ask, said, scene

from pillar_service.core.errors import Conflict, TooMany
from pillar_service.store import database, jobs
from pillar_service.usecases import auditing

pytestmark = pytest.mark.usefixtures("service", "_scene")
THREADS = 8


@pytest.fixture
def _scene(service: object) -> None:
    scene()


def at_once(lines: list[str], key: str | None = None) -> list[Any]:
    """What Ann is told who asks for all these lines at the same moment: a job, or an error."""
    start = threading.Barrier(len(lines))

    def do(line: str) -> Any:
        try:
            start.wait(30)
            return ask(line, key=key)
        except (Conflict, TooMany) as error:
            return error
        finally:
            database.release()

    with ThreadPoolExecutor(len(lines)) as pool:
        return list(pool.map(do, lines))


def made() -> list[jobs.Job]:
    return [job for job in jobs.of_commands(None, 100) if job.command == "one"]


def test_many_who_ask_at_once_each_get_their_own_job() -> None:
    told = at_once([f"one on=cellar-{1 + n % 2}" for n in range(THREADS)])
    assert [job["node"] for job in told] == ["cellar-1", "cellar-2"] * (THREADS // 2)
    assert {job.id for job in made()} == {job["id"] for job in told}
    assert sorted(row.subject for row in said("meeseeks.ask")) == sorted(f"job:{job['id']}" for job in told)
    assert auditing.verify()["first_fault"] is None


def test_the_same_key_at_once_is_one_job() -> None:
    told = at_once(["one on=cellar-1"] * THREADS, "k")
    assert len({job["id"] for job in told}) == 1
    assert len(made()) == 1


def test_nobody_gets_more_than_their_quota_by_asking_at_once(monkeypatch: pytest.MonkeyPatch, service: Any) -> None:
    monkeypatch.setenv("CELLAR_CHAT_JOBS_MOST", "3")
    service()
    told = at_once(["one on=cellar-1"] * THREADS)
    assert len([one for one in told if isinstance(one, TooMany)]) == THREADS - 3
    assert len(made()) == 3


def test_inside_a_transaction_it_is_a_part_of_that() -> None:
    def ask_and_fail() -> None:
        with database.transaction():
            ask("one on=cellar-1", ANN)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_and_fail()
    assert made() == []
    assert said("meeseeks.ask") == []
