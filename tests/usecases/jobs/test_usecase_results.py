"""What nodes tell about their runs by their spool: each is settled once, whoever reports it, and only by its own node."""

import itertools
from typing import Any

import pytest
from eventful import told
from pouring import PUB, bot, owner, poured, state, states_of

from pillar_service.core.errors import Conflict
from pillar_service.core.events.submission import JOB_RESULT, Priority
from pillar_service.store import database
from pillar_service.store.events import events
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.store.jobs import runs as run_rows
from pillar_service.usecases.events import events as cases
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import nodes

pytestmark = pytest.mark.usefixtures("service", "person")
numbers = itertools.count(1)


@pytest.fixture
def person(service: None) -> None:
    owner()


def claimed() -> dict[str, Any]:
    """Claim the only run and mark it as published."""
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    return dict(run)


def tells(run: dict[str, Any], returned: Any, node: str = "cellar-1", retcode: int = 0, **more: Any) -> dict[str, Any]:
    """Let a node tell a run's result; return the service's answer."""
    data = {"run": run["id"], "jid": f"jid-{run['id']}", "function": run["function"], "jobs": run["jobs"]}
    data |= {"return": returned, "success": retcode == 0, "retcode": retcode, **more}
    n = next(numbers)
    return cases.take(node, [told(n, JOB_RESULT, node, data=data, stream="jobs", priority=Priority.HIGH)])


def job(id: str) -> dict[str, Any]:
    return dict(jobs.show(id)["job"])


def lines(id: str) -> list[str]:
    return [one["text"] for one in jobs.show(id)["lines"]]


def ask(command: str, **arguments: Any) -> str:
    return str(jobs.submit("test", command, "my", arguments)["job"]["id"])


def test_a_result_settles_its_run_with_no_master_there() -> None:
    made = bot()
    run = claimed()
    answer = tells(run, states_of())
    assert (len(answer["accepted"]), answer["refused"]) == (1, [])
    ended = job(made["job"]["id"])
    assert (ended["state"], ended["result"]["pub_id"], ended["attempts"]) == ("succeeded", PUB, 1)
    assert runs.held("salt") == []


def test_whoever_comes_second_changes_nothing() -> None:
    made = bot()
    run = claimed()
    tells(run, states_of())
    before = job(made["job"]["id"])
    runs.result(run["id"], f"jid-{run['id']}", "cellar-1", "it failed", False, 1)
    tells(run, "it failed", retcode=1)
    tells(run, states_of())
    assert job(made["job"]["id"]) == before
    assert lines(made["job"]["id"]) == []


def test_what_the_master_brought_first_is_not_told_again() -> None:
    made = bot()
    run = claimed()
    runs.result(run["id"], f"jid-{run['id']}", "cellar-1", states_of(), True, 0)
    assert tells(run, states_of())["refused"] == []
    assert lines(made["job"]["id"]) == []


def test_what_failed_says_why() -> None:
    poured()
    asked = ask("bots.logs")
    tells(claimed(), "ERROR: The pub is gone.", retcode=1)
    assert (job(asked)["state"], job(asked)["error"]) == ("failed", "The pub is gone.")


def test_nobody_ends_anothers_run() -> None:
    nodes.add("test", "cellar-2")
    made = bot()
    run = claimed()
    for answer in (
        tells(run, states_of(), node="cellar-2"),
        tells(run, states_of(), jid="jid-of-another"),
        tells(run | {"id": "0" * 16}, states_of(), jid=f"jid-{run['id']}"),
    ):
        [refused] = answer["refused"]
        assert "has no run" in refused["why"]
    assert job(made["job"]["id"])["state"] == "running"
    tells(run, states_of())
    assert job(made["job"]["id"])["state"] == "succeeded"


def test_a_run_that_was_never_published_has_no_result() -> None:
    made = bot()
    [run] = claims.claim("salt")["runs"]
    [refused] = tells(run, states_of())["refused"]
    assert "has no run" in refused["why"]
    assert job(made["job"]["id"])["state"] == "claimed"


@pytest.mark.parametrize(
    ("returned", "retcode", "said"),
    [({"lines": []}, 0, "this try had worked"), ("ERROR: The pub is gone.", 1, "had failed. The pub is gone.")],
)
def test_a_late_one_is_told_and_changes_nothing(returned: Any, retcode: int, said: str) -> None:
    poured()
    asked = ask("bots.invite", note="Ann")
    run = claimed()
    assert runs.failed("salt", run["id"], "not_running")
    before = job(asked)
    assert before["state"] == "lost"
    tells(run, returned, retcode=retcode)
    tells(run, returned, retcode=retcode)
    assert job(asked) == before
    [line] = lines(asked)
    assert said in line


def test_the_result_of_a_try_before_is_told_and_leaves_the_next_one_alone() -> None:
    made = bot()
    first = claimed()
    assert runs.failed("salt", first["id"], "not_running")
    with database.transaction():
        job_rows.Job.update(not_before=0).execute()
    second = claimed()
    tells(first, states_of())
    assert job(made["job"]["id"])["state"] == "running"
    assert "this try had worked" in lines(made["job"]["id"])[0]
    tells(second, states_of())
    assert job(made["job"]["id"])["state"] == "succeeded"


def test_it_is_told_on_jobs_of_its_own_node_alone() -> None:
    nodes.add("test", "cellar-2")
    poured()
    theirs = ask("bots.invite", note="Ann")
    run = claimed()
    assert runs.failed("salt", run["id"], "not_running")
    with database.transaction():
        run_rows.Run.update(node="cellar-2").execute()
    tells(run, "forged", node="cellar-2", retcode=1)
    assert lines(theirs) == []


HOSTILE = [
    None, 7, "x" * 1000, [1, {}], {"a": {"result": False, "__run_num__": "x"}, "b": {"result": False, "__run_num__": 2}},
    {"a": {"result": False, "comment": {"deep": []}}}, {"": {"result": None, "__id__": 5, "pub": 7}},
]  # fmt: skip


@pytest.mark.parametrize("returned", HOSTILE, ids=lambda value: ascii(value)[:40])
def test_whatever_a_node_returns_ends_its_own_run_alone(returned: Any) -> None:
    made = bot()
    run = claimed()
    assert tells(run, returned)["refused"] == []
    assert job(made["job"]["id"])["state"] in ("failed", "queued")


def test_the_account_of_a_node_sees_nothing_of_what_was_returned() -> None:
    poured()
    ask("bots.invite", note="Ann")
    tells(claimed(), {"id": "@x", "code": "net:a-secret", "note": "Ann", "uses": 1})
    [one] = [one for one in events.story("cellar-1", None, 10) if one.type == JOB_RESULT]
    assert "a-secret" not in str(one.data)
    assert (one.data["success"], one.subject) == (True, "x")


def test_a_part_of_a_shared_run_that_was_settled_is_not_told_twice() -> None:
    one, two = bot("one"), bot("two")
    run = claimed()
    returned = state(one["agent"]["id"]) | state(two["agent"]["id"], result=False, comment="no space left on device")
    tells(run, returned)
    tells(run, returned)
    assert [job(made["job"]["id"])["state"] for made in (one, two)] == ["succeeded", "failed"]
    assert [lines(made["job"]["id"]) for made in (one, two)] == [[], []]


def test_the_older_form_is_kept_as_it_was_told() -> None:
    said = {"job": "0" * 16, "attempt": 1, "state": "done", "exit_code": 0}
    assert cases.take("cellar-1", [told(1, JOB_RESULT, data=said)])["refused"] == []
    assert events.story("cellar-1", None, 1)[0].data == said


def test_the_master_still_brings_what_no_node_told() -> None:
    made = bot()
    run = claimed()
    with pytest.raises(Conflict):
        runs.result(run["id"], "another", "cellar-1", states_of(), True, 0)
    runs.result(run["id"], f"jid-{run['id']}", "cellar-1", states_of(), True, 0)
    assert job(made["job"]["id"])["state"] == "succeeded"
