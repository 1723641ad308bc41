"""Asking for commands from many threads at once: each job is made once, and audited."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chatting import ANN, ask, chat, said

from pillar_service.core import tracing
from pillar_service.core.errors import Conflict, TooMany
from pillar_service.core.jobs.jobs import JobState
from pillar_service.store import database
from pillar_service.store.database import db
from pillar_service.store.jobs import jobs
from pillar_service.store.meeseeks import challenges
from pillar_service.usecases.jobs import queue
from pillar_service.usecases.meeseeks import asking
from pillar_service.usecases.service import auditing

pytestmark = pytest.mark.usefixtures("service", "_scene")
THREADS = 8


def at_once(lines: list[str], key: str | None = None) -> list[Any]:
    """What Ann gets when she asks for all these lines at the same moment: jobs or errors."""
    start = threading.Barrier(len(lines))

    def do(line: str) -> Any:
        try:
            start.wait(30)
            with tracing.within(f"request-{line.rpartition('-')[2]}"):
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


def test_each_job_is_of_the_request_that_asked_for_it_whoever_writes_it() -> None:
    told = at_once([f"one on=cellar-{1 + n % 2}" for n in range(THREADS)])
    assert {job.id: job.request for job in made()} == {
        job["id"]: f"request-{job['node'].rpartition('-')[2]}" for job in told
    }


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


def asked(line: str, key: str | None = None) -> asking.Asked:
    """Ann's request for a line, as it waits in the group of requests."""
    wanted = asking.read(chat(), line)
    return chat(), wanted, asking._request(chat(), wanted, key)


def make(*these: asking.Asked) -> list[dict[str, Any]]:
    """Make their jobs in one transaction."""
    with database.transaction():
        return asking._make(list(these))


def test_what_is_asked_for_together_is_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    these = [asked(f"one on=cellar-{1 + n % 2}") for n in range(THREADS)]
    written, execute = list[str](), db.obj.execute_sql
    with monkeypatch.context() as patched:
        patched.setattr(db.obj, "execute_sql", lambda told, *more: written.append(told) or execute(told, *more))
        told = make(*these)
    assert len({job["id"] for job in told}) == THREADS
    changes = [
        told.split("(")[0].split(" SET ")[0].strip() for told in written if told.startswith(("INSERT", "UPDATE"))
    ]
    assert changes == ["INSERT INTO job", "INSERT INTO audit", "UPDATE audit_head"]
    assert auditing.verify()["first_fault"] is None


def test_what_was_told_of_a_job_is_what_stands_in_the_table() -> None:
    for told in make(asked("one on=cellar-1", "k"), asked("say hello"), asked("sure", "l")):
        found = jobs.find(told["id"])
        assert found is not None
        assert queue.described(found) == told
    assert ask("one on=cellar-1", key="k") == queue.described(made()[0])


def test_the_same_key_twice_among_those_who_ask_together_is_one_job() -> None:
    first, again = make(asked("one on=cellar-1", "k"), asked("one on=cellar-1", "k"))
    assert first == again
    assert len(made()) == 1
    with pytest.raises(Conflict, match="Idempotency-Key"):
        make(asked("one on=cellar-1", "l"), asked("one on=cellar-2", "l"))
    assert len(made()) == 1


def test_a_quota_counts_what_is_asked_for_together(monkeypatch: pytest.MonkeyPatch, service: Any) -> None:
    monkeypatch.setenv("CELLAR_CHAT_JOBS_MOST", "2")
    service()
    with pytest.raises(TooMany):
        make(*[asked("one on=cellar-1")] * 3)
    assert made() == []
    make(asked("one on=cellar-1"), asked("one on=cellar-2"))
    assert len(made()) == 2


def test_some_wait_for_a_yes_beside_others_that_go() -> None:
    one, sure, say = make(asked("one on=cellar-1"), asked("sure"), asked("say hello"))
    assert [told["state"] for told in (one, sure, say)] == [JobState.QUEUED, JobState.ASKED, JobState.QUEUED]
    assert [challenges.open_of(told["id"]) is not None for told in (one, sure, say)] == [False, True, False]
    assert (one["node"], one["parts"]) == ("cellar-1", 0)
    assert sorted(str(part.node) for part in jobs.parts_of(say["id"])) == ["cellar-1", "cellar-2"]
