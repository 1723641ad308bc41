"""Many jobs that end at once: each with its own result, none lost, in few statements however many jobs there are."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from chatting import SECRET, ask, begin, claim_all, everything, scene
from trails import trail

from pillar_service.core.errors import Conflict, Invalid
from pillar_service.core.nodes.configuration import OPERATORS
from pillar_service.store.database import db, transaction
from pillar_service.store.jobs import jobs
from pillar_service.usecases.jobs import batches
from pillar_service.usecases.nodes import configuration, governors
from pillar_service.usecases.service import auditing

pytestmark = pytest.mark.usefixtures("service", "_scene")

DONE = {"state": "done", "exit_code": 0, "lines": 0}


@pytest.fixture
def _scene(service: object) -> None:
    scene()


def running(count: int) -> list[dict[str, Any]]:
    """So many runs that are under way, with one job each."""
    for n in range(count):
        ask(f"one on=cellar-{1 + n % 2}")
    return claim_all()


def returned(run: dict[str, Any], told: object = DONE, code: int = 0) -> dict[str, Any]:
    return {"jid": f"jid-{run['id']}", "node": run["node"], "return": told, "success": code == 0, "retcode": code}


def job(run: dict[str, Any]) -> jobs.Job:
    found = jobs.find(run["jobs"][0])
    assert found is not None
    return found


def deeds(run: dict[str, Any]) -> list[tuple[object, object, object]]:
    id = run["jobs"][0]
    ends = [row for row in trail(f"job:{id}") if str(row["action"]).startswith("jobs.")]
    return [(row["actor"], row["action"], row["detail"]) for row in ends]


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that are executed inside."""
    carried_out, execute = list[str](), db.obj.execute_sql
    with monkeypatch.context() as patched:
        patched.setattr(db.obj, "execute_sql", lambda told, *more: carried_out.append(told) or execute(told, *more))
        yield carried_out


def test_each_ends_as_its_node_says() -> None:
    good, bad, silent, surrogate = running(4)
    told = {"state": "failed", "exit_code": 3, "lines": 2, "error": "It said \N{SNOWMAN}"}
    began = time.time()
    results = {
        good["id"]: returned(good, {**DONE, "head": ["\u00e4\x00\n"]}),
        bad["id"]: returned(bad, told, 3),
        silent["id"]: returned(silent, "", 1),
        surrogate["id"]: returned(surrogate, {**DONE, "head": ["\ud800"]}),
    }
    assert batches.results(results) == {}
    assert [job(run).state for run in (good, bad, silent, surrogate)] == ["succeeded", "failed", "failed", "succeeded"]
    assert job(good).result == {**DONE, "head": ["\u00e4\x00\n"]}
    assert (job(bad).result, job(good).error) == (told, None)
    assert "\N{SNOWMAN}" in str(job(bad).error)
    assert (job(silent).result, bool(job(silent).error)) == (None, True)
    assert job(surrogate).result["head"] == ["\ud800"]
    assert began - 1 < float(str(job(good).ended_at)) < time.time() + 1
    by, id = f"node:{good['node']}", good["jobs"][0]
    assert deeds(good) == [(by, "jobs.succeeded", f"one, job {id}")]
    assert [action for _, action, _ in deeds(bad)] == ["jobs.failed"]
    assert auditing.verify()["first_fault"] is None


def test_more_jobs_take_no_more_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = running(2), []
    for _ in range(4):
        many += running(4)
    with counted(monkeypatch) as for_few:
        batches.results({run["id"]: returned(run) for run in few})
    with counted(monkeypatch) as for_many:
        batches.results({run["id"]: returned(run) for run in many})
    assert {job(run).state for run in (*few, *many)} == {"succeeded"}
    assert len(for_many) == len(for_few)
    assert sum("INTO audit " in told for told in for_many) == sum("UPDATE job" in told for told in for_many) == 1


def test_the_same_again_changes_nothing() -> None:
    runs = running(2)
    told = {run["id"]: returned(run) for run in runs}
    assert batches.results(told) == batches.results(told) == {}
    assert [len(deeds(run)) for run in runs] == [1, 1]


def test_one_that_holds_no_text_is_refused_alone() -> None:
    good, bad = running(2)
    told = {"state": "failed", "error": "\ud800"}
    refused = batches.results({good["id"]: returned(good), bad["id"]: returned(bad, told, 1)})
    assert {id: type(error) for id, error in refused.items()} == {bad["id"]: Invalid}
    assert (job(good).state, job(bad).state) == ("succeeded", "running")
    assert (len(deeds(good)), deeds(bad)) == (1, [])


def test_one_that_another_publish_carries_out_is_refused_alone() -> None:
    good, bad = running(2)
    refused = batches.results({good["id"]: returned(good), bad["id"]: {**returned(bad), "jid": "another"}})
    assert {id: type(error) for id, error in refused.items()} == {bad["id"]: Conflict}
    assert (job(good).state, job(bad).state) == ("succeeded", "running")


def test_secrets_are_forgotten_beside_jobs_that_have_none() -> None:
    ask(f"log-in {SECRET} -l node=cellar-1")
    ask("one on=cellar-1")
    runs = claim_all()
    assert begin(runs[0]) == {"password": SECRET}
    assert batches.results({run["id"]: returned(run) for run in runs}) == {}
    assert [job(run).state for run in runs] == ["succeeded"] * 2
    assert not any((job(run).plan or {}).get("secrets") for run in runs)
    assert SECRET not in everything()
    assert [len(deeds(run)) for run in runs] == [1, 1]


def test_what_was_never_begun_is_tried_again_beside_what_ended() -> None:
    good, again = running(2)
    told = {good["id"]: returned(good), again["id"]: returned(again, {"state": "not_begun", "error": "later"}, 1)}
    assert batches.results(told) == {}
    assert (job(good).state, job(again).state) == ("succeeded", "queued")
    assert deeds(again) == []


def test_a_job_on_several_nodes_is_over_with_its_parts() -> None:
    asked = ask("say hello")
    assert batches.results({run["id"]: returned(run) for run in claim_all()}) == {}
    whole = jobs.find(asked["id"])
    assert whole is not None
    assert (whole.state, whole.result["answered"]) == ("succeeded", ["cellar-1", "cellar-2"])


def test_each_gives_its_lease_back() -> None:
    configuration.set("test", OPERATORS, "governors/restarts", 9)
    runs = running(3)
    with transaction():
        for run in runs:
            jobs.change(run["jobs"][0], plan={**(job(run).plan or {}), "governor": "restarts"})
    for run in runs:
        begin(run)
    assert holders() == {f"job:{run['jobs'][0]}/1" for run in runs}
    batches.results({run["id"]: returned(run) for run in runs[:2]})
    assert holders() == {f"job:{runs[2]['jobs'][0]}/1"}


def holders() -> set[str]:
    [one] = governors.listed(OPERATORS)
    return {lease["holder"] for lease in one["leases"]}
