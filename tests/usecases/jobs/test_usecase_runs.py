import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pouring import answer, bot, carry_out, owner, poured, state, states_of

from pillar_service.core.errors import Conflict, Forbidden, Invalid
from pillar_service.core.jobs.jobs import CLAIM_LEASE_S, MAX_ATTEMPTS, QUEUED_FOR_S
from pillar_service.core.nodes.pillar import ONLY
from pillar_service.store import database
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.store.jobs import leases as lease_rows
from pillar_service.store.jobs import outputs
from pillar_service.store.jobs import runs as run_rows
from pillar_service.usecases.bots import bots
from pillar_service.usecases.jobs import claims, jobs, queue, runs
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.service import storage

pytestmark = pytest.mark.usefixtures("service", "person")


@pytest.fixture
def person(service: None) -> None:
    owner()


def ask(command: str, name: str = "my", **arguments: Any) -> str:
    return str(jobs.submit("test", command, name, arguments)["job"]["id"])


def job(id: str) -> dict[str, Any]:
    return dict(jobs.show(id)["job"])


def age(run: dict[str, Any], seconds: float) -> None:
    """Let time pass for a run's lease."""
    with database.transaction():
        row = run_rows.find(run["id"])
        run_rows.Run.update(expires_at=row.expires_at - seconds).where(run_rows.Run.id == run["id"]).execute()  # type: ignore[union-attr]


def lapsed() -> None:
    """Let the lease of the publishing master run out."""
    with database.transaction():
        lease_rows.Lease.update(expires_at=0).execute()


def ready_again(id: str) -> None:
    """Let the pause before a job's next try pass."""
    with database.transaction():
        job_rows.Job.update(not_before=0).where(job_rows.Job.id == id).execute()


def test_eight_threads_claim_and_each_job_is_given_once() -> None:
    for n in range(8):
        poured(f"b{n}")
    nodes.add("test", "cellar-1", concurrency=100)
    asked = {ask("bots.invites", f"b{n}") for n in range(8)}
    given: list[str] = []
    together = threading.Barrier(8)

    def claim() -> None:
        together.wait()
        for _ in range(3):
            given.extend(id for run in claims.claim("salt")["runs"] for id in run["jobs"])
        storage.release()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == sorted(asked)


def test_converging_jobs_of_a_node_share_one_run_and_never_overlap() -> None:
    first = [bot(name) for name in ("one", "two")]
    [run] = claims.claim("salt")["runs"]
    assert sorted(run["jobs"]) == sorted(one["job"]["id"] for one in first)
    assert (run["function"], run["arguments"], run["retry_safe"]) == ("state.apply", ["pubs"], True)
    assert run["keywords"] == {"queue": 10, "pillar": {ONLY: sorted(one["agent"]["id"] for one in first)}}
    third = bot("three")["job"]["id"]
    assert claims.claim("salt")["runs"] == []
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, states_of())
    [after] = claims.claim("salt")["runs"]
    assert after["jobs"] == [third]


def test_a_run_is_about_the_bots_of_its_jobs_alone() -> None:
    other, mine = poured("other"), poured("my")
    ask("bots.rebuild")
    [built] = claims.claim("salt")["runs"]
    assert (built["arguments"], built["keywords"]["pillar"]) == (["pubs.rebuild"], {ONLY: [mine["id"]]})
    runs.started("salt", built["id"], f"jid-{built['id']}")
    answer(built, states_of())
    for command in ("bots.stop", "bots.start"):
        ask(command)
    [run] = claims.claim("salt")["runs"]
    assert run["keywords"]["pillar"] == {ONLY: [mine["id"]]}
    assert other["id"] not in str(run)


def test_planned_state_runs_of_a_node_share_none() -> None:
    nodes.add("test", "cellar-1")
    with database.transaction():
        for states in ("pubs", "meeseeks"):
            queue.call("test", "nodes.return", "cellar-1", "state.apply", [states], {"queue": 10}, time.time())
    bot()
    applied = []
    for _ in range(3):
        [run] = claims.claim("salt")["runs"]
        runs.started("salt", run["id"], f"jid-{run['id']}")
        answer(run, states_of())
        applied.append(run["arguments"])
    assert sorted(applied) == [["meeseeks"], ["pubs"], ["pubs"]]


def test_one_bot_of_a_shared_run_may_fail_alone() -> None:
    one, two = bot("one"), bot("two")
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, state(one["agent"]["id"]) | state(two["agent"]["id"], result=False, comment="no space left on device"))
    assert job(one["job"]["id"])["state"] == "succeeded"
    assert "disk is full" in job(two["job"]["id"])["error"]


def test_a_bots_jobs_go_one_after_the_other_and_others_beside() -> None:
    poured("other")
    made = bot()
    invite = ask("bots.invite", note="Ann")
    beside = ask("bots.logs", "other")
    claimed = claims.claim("salt")["runs"]
    assert sorted(id for run in claimed for id in run["jobs"]) == sorted([made["job"]["id"], beside])
    for run in claimed:
        runs.started("salt", run["id"], f"jid-{run['id']}")
        answer(run, states_of() if run["function"] == "state.apply" else {"lines": []})
    [run] = claims.claim("salt")["runs"]
    assert (run["jobs"], run["arguments"]) == ([invite], [made["agent"]["id"], 1, "Ann"])


def test_a_node_has_no_more_runs_than_its_concurrency() -> None:
    nodes.add("test", "cellar-1", concurrency=2)
    for n in range(3):
        poured(f"b{n}")
    for n in range(3):
        ask("bots.logs", f"b{n}")
    assert len(claims.claim("salt")["runs"]) == 2
    assert claims.claim("salt")["runs"] == []


def test_a_result_is_taken_once() -> None:
    made = bot()
    [run] = claims.claim("salt")["runs"]
    with pytest.raises(Conflict):
        answer(run, states_of())
    runs.started("salt", run["id"], f"jid-{run['id']}")
    for jid, node in (("wrong", "cellar-1"), (f"jid-{run['id']}", "cellar-2")):
        with pytest.raises(Conflict, match="waits for"):
            runs.result(run["id"], jid, node, states_of(), True, 0)
    answer(run, states_of())
    answer(run, ["an error that comes late"], success=False, retcode=1)
    assert job(made["job"]["id"])["state"] == "succeeded"


def test_a_run_is_its_masters_alone() -> None:
    bot()
    [run] = claims.claim("salt")["runs"]
    for act in (
        lambda: runs.started("thief", run["id"], "1"),
        lambda: runs.add_lines("thief", run["id"], []),
        lambda: runs.failed("thief", run["id"], "no_return"),
    ):
        with pytest.raises(Forbidden, match="held by the master salt"):
            act()
    assert runs.held("thief") == []
    assert [held["id"] for held in runs.held("salt")] == [run["id"]]


def test_started_is_written_once_and_refused_when_the_claim_has_passed() -> None:
    made = bot()
    [run] = claims.claim("salt")["runs"]
    age(run, CLAIM_LEASE_S + 1)
    ready_again(made["job"]["id"])
    lapsed()
    assert claims.is_claimable("other")
    assert claims.claim("other")["runs"] == []
    assert job(made["job"]["id"])["state"] == "queued"
    with pytest.raises(Forbidden, match="held by the master other"):
        runs.started("salt", run["id"], "1")
    ready_again(made["job"]["id"])
    [again] = claims.claim("other")["runs"]
    runs.started("other", again["id"], "1")
    runs.started("other", again["id"], "1")
    with pytest.raises(Conflict):
        runs.started("other", again["id"], "2")
    assert (job(made["job"]["id"])["state"], job(made["job"]["id"])["attempts"]) == ("running", 2)


@pytest.mark.parametrize(
    ("command", "reason", "state"),
    [
        ("bots.invite", "not_published", "queued"),
        ("bots.invite", "no_return", "timed_out"),
        ("bots.invite", "node_away", "failed"),
        ("bots.invite", "not_running", "lost"),
        ("bots.invites", "no_return", "queued"),
        ("bots.start", "not_running", "queued"),
    ],
)
def test_what_may_not_run_twice_does_not(command: str, reason: str, state: str) -> None:
    poured()
    id = ask(command)
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], "1")
    runs.failed("salt", run["id"], reason)
    runs.failed("salt", run["id"], reason)
    assert (job(id)["state"], job(id)["attempts"]) == (state, 1)
    assert job(id)["error"]


def test_tries_end_and_the_bot_shows_why() -> None:
    made = bot()
    for _ in range(MAX_ATTEMPTS):
        ready_again(made["job"]["id"])
        [run] = claims.claim("salt")["runs"]
        runs.started("salt", run["id"], "1")
        age(run, run["timeout_s"] + runs.GRACE_S + 1)
        claims.claim("salt")["runs"]
    assert job(made["job"]["id"])["state"] == "timed_out"
    assert bots.show("my")["detail"] == "The node did not answer in time."
    with pytest.raises(Invalid):
        runs.failed("salt", run["id"], "bored")


@pytest.mark.parametrize("command", ["bots.start", "bots.stop", "bots.upgrade"])
def test_what_was_applied_from_an_old_copy_is_applied_again(command: str) -> None:
    id = poured()["id"]
    notice = {"test_|-pubs notice_|-pubs notice_|-show_notification": {"__id__": "pubs notice", "result": True}}
    asked, tried = ask(command), 0
    while job(asked)["state"] == "queued":
        ready_again(asked)
        [run] = claims.claim("salt")["runs"]
        runs.started("salt", run["id"], f"jid-{run['id']}")
        answer(run, state(id) | notice)
        tried += 1
    assert (tried, job(asked)["state"]) == (3, "failed")
    assert "last known good copy" in job(asked)["error"]


def test_without_a_master_a_job_says_what_it_waits_for_and_is_given_up_after_a_day() -> None:
    asked = bot()["job"]["id"]
    assert "until salt-master" in job(asked)["waits"]
    claims.without_master()
    assert job(asked)["state"] == "queued"
    assert claims.claim("salt")["runs"]
    assert (job(asked)["state"], job(asked)["waits"]) == ("claimed", "")
    lapsed()
    assert "until salt-master" in job(asked)["waits"]
    late = ask("bots.invites")
    with database.transaction():
        job_rows.Job.update(created_at=time.time() - QUEUED_FOR_S - 1).execute()
    claims.without_master()
    assert (job(late)["state"], job(late)["waits"]) == ("timed_out", "")
    assert job(asked)["state"] == "claimed"


def test_while_a_master_claims_nobody_else_gives_up() -> None:
    poured("my")
    late = ask("bots.invites")
    claims.claim("salt")
    later = ask("bots.logs")
    with database.transaction():
        job_rows.Job.update(created_at=time.time() - QUEUED_FOR_S - 1).execute()
    claims.without_master()
    assert job(later)["state"] == "queued"
    assert job(late)["state"] == "claimed"


def test_a_job_that_nobody_claims_is_timed_out_after_a_day() -> None:
    made = bot()
    with database.transaction():
        job_rows.Job.update(created_at=time.time() - QUEUED_FOR_S - 1).execute()
    assert claims.claim("salt")["runs"] == []
    assert job(made["job"]["id"])["state"] == "timed_out"


def test_lines_are_kept_once_and_only_by_their_own_job() -> None:
    one, two = bot("one"), bot("two")
    [run] = claims.claim("salt")["runs"]
    lines = [
        {"key": "1", "state_id": f"{one['agent']['id']} container", "text": "made\n{{ it }}\x1b[31m"},
        {"key": "2", "state_id": "docker engine", "text": "of nobody"},
        {"key": "3", "text": "of all"},
    ]
    runs.add_lines("salt", run["id"], lines)
    runs.add_lines("salt", run["id"], lines)
    told = {
        name: [line["text"] for line in jobs.show(made["job"]["id"])["lines"]]
        for name, made in (("one", one), ("two", two))
    }
    assert told == {"one": ["made {{ it }} [31m", "of all"], "two": ["of all"]}
    assert [line["text"] for line in jobs.show(one["job"]["id"], after=1)["lines"]] == ["of all"]


def test_lines_of_a_bots_job_obey_the_settings_and_what_has_no_room_is_counted(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLAR_JOB_LINES", "3")
    monkeypatch.setenv("CELLAR_JOB_BYTES", "20")
    service()
    made = bot()["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    told = [{"key": str(n), "text": f"line {n}"} for n in range(5)]
    for _ in range(2):
        runs.add_lines("salt", run["id"], told[:2])
    runs.add_lines("salt", run["id"], told[2:])
    assert [line["text"] for line in jobs.show(made)["lines"]] == ["line 0", "line 1", "line 2"]
    [counted] = outputs.of_job(made)
    assert (counted.taken, counted.kept, counted.dropped) == (5, 3, 2)


def test_a_cancelled_job_is_not_published_and_a_running_one_is_not_cancelled() -> None:
    made = bot()
    [run] = claims.claim("salt")["runs"]
    jobs.cancel("test", made["job"]["id"])
    with pytest.raises(Conflict, match="do not publish"):
        runs.started("salt", run["id"], "1")
    runs.failed("salt", run["id"], "not_published")
    assert job(made["job"]["id"])["state"] == "cancelled"
    id = ask("bots.start")
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], "1")
    with pytest.raises(Conflict, match="is running"):
        jobs.cancel("test", id)


@pytest.mark.parametrize(
    ("command", "arguments", "error"),
    [
        ("bots.create", {}, Invalid), ("bots.delete", {}, Invalid), ("rm", {}, Invalid),
        ("bots.invite", {"uses": 0}, Invalid),
        ("bots.invite", [], Invalid), ("bots.start", {"x": 1}, Invalid), ("bots.revoke", {"invite": "x; rm"}, Invalid),
    ],
)  # fmt: skip
def test_what_is_not_a_command_leaves_no_job(command: str, arguments: Any, error: type[Exception]) -> None:
    poured()
    before = len(jobs.listed())
    with pytest.raises(error):
        jobs.submit("test", command, "my", arguments)
    assert len(jobs.listed()) == before


def test_jobs_are_listed_by_what_they_are() -> None:
    poured("one")
    poured("two")
    id = ask("bots.logs", "two")
    assert [found["id"] for found in jobs.listed(state="queued")] == [id]
    assert {found["bot_name"] for found in jobs.listed(bot="one")} == {"one"}
    assert jobs.listed(node="cellar-9") == []
    assert len(jobs.listed(limit="2")) == 2
    carry_out()
    assert not claims.is_claimable("salt")
