import time
from typing import Any

import pytest
from pouring import owner, poured
from trails import trail

from pillar_service.core.errors import Conflict, Failed, Forbidden, Invalid, NotFound
from pillar_service.store import database
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.usecases.jobs import batches, claims, endings, jobs, parts, runs
from pillar_service.usecases.nodes import nodes

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def claimed(service: None) -> list[dict[str, Any]]:
    """Five claimed runs with one job each."""
    owner()
    nodes.add("test", "cellar-1", concurrency=100)
    for n in range(5):
        poured(f"b{n}")
    for n in range(5):
        jobs.submit("test", "bots.invites", f"b{n}")
    return list(claims.claim("salt")["runs"])


def jids(these: list[dict[str, Any]]) -> dict[str, str]:
    return {run["id"]: f"jid-{run['id']}" for run in these}


def returned(these: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    told = {"return": [], "success": True, "retcode": 0, **more}
    return {run["id"]: {"jid": f"jid-{run['id']}", "node": run["node"], **told} for run in these}


def states(these: list[dict[str, Any]]) -> list[str]:
    return [jobs.show(run["jobs"][0])["job"]["state"] for run in these]


def test_many_runs_start_and_return_at_once(claimed: list[dict[str, Any]]) -> None:
    assert batches.started("salt", jids(claimed)) == {}
    assert states(claimed) == ["running"] * 5
    assert {held["jid"] for held in runs.held("salt")} == set(jids(claimed).values())
    assert batches.results(returned(claimed)) == {}
    assert states(claimed) == ["succeeded"] * 5
    assert runs.held("salt") == []


def test_one_that_is_refused_does_not_keep_the_others_from_starting(claimed: list[dict[str, Any]]) -> None:
    jobs.cancel("test", claimed[2]["jobs"][0])
    refused = batches.started("salt", {**jids(claimed), "0123456789abcdef": "1", claimed[4]["id"]: 7})
    told = {id: type(error) for id, error in refused.items()}
    assert told == {claimed[2]["id"]: Conflict, "0123456789abcdef": NotFound, claimed[4]["id"]: Invalid}
    assert states(claimed) == ["running", "running", "cancelled", "running", "claimed"]
    assert batches.started("thief", jids(claimed[:1])).keys() == {claimed[0]["id"]}
    assert isinstance(batches.started("thief", jids(claimed[:1]))[claimed[0]["id"]], Forbidden)


def test_started_twice_under_the_same_jid_changes_nothing_and_under_another_is_refused(
    claimed: list[dict[str, Any]],
) -> None:
    assert batches.started("salt", jids(claimed[:3])) == {}
    assert batches.started("salt", jids(claimed)) == {}
    refused = batches.started("salt", {**jids(claimed), claimed[0]["id"]: "another"})
    assert [type(refused[claimed[0]["id"]]), len(refused)] == [Conflict, 1]
    assert {held["jid"] for held in runs.held("salt")} == set(jids(claimed).values())


def test_one_result_that_is_refused_does_not_fail_the_others(claimed: list[dict[str, Any]]) -> None:
    batches.started("salt", jids(claimed[:4]))
    told = returned(claimed)
    told[claimed[1]["id"]]["jid"] = "another"
    told[claimed[3]["id"]] = "no object"
    refused = batches.results(told)
    assert {id: type(error) for id, error in refused.items()} == {
        claimed[1]["id"]: Conflict,
        claimed[3]["id"]: Invalid,
        claimed[4]["id"]: Conflict,
    }
    assert states(claimed) == ["succeeded", "running", "succeeded", "running", "claimed"]


def test_the_same_results_twice_count_once(claimed: list[dict[str, Any]]) -> None:
    batches.started("salt", jids(claimed))
    batches.results(returned(claimed[:2]))
    assert batches.results(returned(claimed, success=False, retcode=1)) == {}
    assert states(claimed) == ["succeeded", "succeeded", "failed", "failed", "failed"]
    for run in claimed:
        [bot] = run["bots"]
        ended = [row for row in trail(f"agent:{bot}") if str(row["detail"]).endswith(run["jobs"][0])]
        assert len([row for row in ended if str(row["action"]).startswith("jobs.")]) == 1


def test_one_that_the_service_stumbles_over_leaves_nothing_half_written(
    claimed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches.started("salt", jids(claimed))
    ends, bad = endings.settle, claimed[3]["jobs"][0]

    def stumbling(job: Any, *told: Any) -> None:
        ends(job, *told)
        if job.id == bad:
            raise ZeroDivisionError

    monkeypatch.setattr(endings, "settle", stumbling)
    refused = batches.results(returned(claimed))
    assert {id: type(error) for id, error in refused.items()} == {claimed[3]["id"]: Failed}
    assert states(claimed) == ["succeeded", "succeeded", "succeeded", "running", "succeeded"]
    monkeypatch.undo()
    assert batches.results(returned(claimed)) == {}
    assert states(claimed) == ["succeeded"] * 5


def test_a_crash_in_the_middle_of_a_batch_leaves_all_as_it_was(
    claimed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches.started("salt", jids(claimed))
    ends, ended = endings.settle, []

    def dying(job: Any, *told: Any) -> None:
        ends(job, *told)
        ended.append(job.id)
        if len(ended) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(endings, "settle", dying)
    with pytest.raises(KeyboardInterrupt):
        batches.results(returned(claimed))
    assert states(claimed) == ["running"] * 5
    assert len(runs.held("salt")) == 5


def whole(count: int) -> str:
    """A job with so many queued parts; return its id."""
    common = {
        "command": "say",
        "arguments": {},
        "actor": "test",
        "fingerprint": "",
        "created_at": 1.0,
        "not_before": 1.0,
    }
    with database.transaction():
        job_rows.add(id="0" * 16, parts=count, **common)
        job_rows.add_queued(
            job_rows.Job(id=f"{n:016x}", parent="0" * 16, node="cellar-1", plan={"secrets": {}}, **common)
            for n in range(1, count + 1)
        )
    return "0" * 16


def test_a_whole_is_looked_at_once_for_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    id, now, looked = whole(20), time.time(), []
    states_of = job_rows.states_of_parts
    monkeypatch.setattr(job_rows, "states_of_parts", lambda job: looked.append(job) or states_of(job))
    with database.transaction(), parts.together(now):
        for part in job_rows.parts_of(id)[:19]:
            endings.end(part, "cancelled", "not today", now)  # type: ignore[arg-type]
        assert looked == []
    assert looked == [id]
    assert jobs.show(id)["job"]["state"] == "running"
    with database.transaction():
        endings.end(job_rows.parts_of(id)[-1], "cancelled", "not today", now)  # type: ignore[arg-type]
    assert looked == [id, id]
    assert jobs.show(id)["job"]["state"] == "cancelled"
    assert len(jobs.show(id)["job"]["result"]["missing"]) == 20


def test_what_is_no_batch_is_refused() -> None:
    for told in (None, [], "x", {str(n): "1" for n in range(batches.MOST + 1)}):
        with pytest.raises(Invalid, match="object with at most"):
            batches.started("salt", told)
        with pytest.raises(Invalid, match="object with at most"):
            batches.results(told)
