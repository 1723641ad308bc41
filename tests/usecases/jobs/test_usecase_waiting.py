"""The queue's order; what waits for a full node or a full command neither hides the rest nor is claimed."""

import time
from collections.abc import Callable

import pytest
from pouring import bot, event, owner, poured, report

from pillar_service.core.errors import Conflict
from pillar_service.store import database
from pillar_service.store.jobs import claims as rows
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import nodes
from pillar_service.usecases.bots import health, own_bots
from pillar_service.usecases.jobs import claims, one_by_one
from pillar_service.usecases.jobs import jobs as job_cases

pytestmark = pytest.mark.usefixtures("service")

BEGAN = time.time() - 3600

PLAN = {
    "nodes": [], "bot": None, "channel": "", "output": {"private": False, "file": False}, "redact": [], "secrets": {},
    "arguments": [], "keywords": {}, "is_guarded": False, "timeout_s": 60, "retry_safe": True, "function": "test.ping",
}  # fmt: skip


def queue(node: str | None, *ids: str, priority: int = 5, command: str = "say", at_most: int | None = None) -> None:
    """Queue jobs in this order."""
    with database.transaction():
        jobs.add_queued(
            jobs.Job(id=id, command=command, node=node, arguments={}, plan=PLAN, priority=priority, at_most=at_most,
                     actor="test", fingerprint="", created_at=BEGAN + int(id[1:]), not_before=0.0)
            for id in ids
        )  # fmt: skip


def on_nodes(*ids: str, room: int = 1000) -> None:
    with database.transaction():
        for id in ids:
            nodes.add(id, room, 20000, 20999)


def ids(first: int, last: int) -> list[str]:
    return [f"j{n:05d}" for n in range(first, last)]


def claimed() -> list[str]:
    return [run["jobs"][0] for run in claims.claim("salt")["runs"]]


def test_many_of_one_node_go_in_their_order_among_those_of_others() -> None:
    on_nodes("a", "b", "c")
    queue("a", *ids(0, 60))
    queue("b", *ids(60, 62))
    queue("a", *ids(62, 80))
    queue("c", *ids(80, 90))
    assert claimed() == ids(0, 90)
    assert claimed() == []


def test_priority_goes_before_age_whatever_the_node() -> None:
    on_nodes("a", "b")
    queue("a", *ids(0, 150), priority=9)
    queue("b", *ids(150, 160))
    queue("a", *ids(160, 170), priority=0)
    queue(None, *ids(170, 175), priority=1)
    assert claimed() == [*ids(160, 170), *ids(170, 175), *ids(150, 160), *ids(0, 75)]
    assert claimed() == ids(75, 150)


def test_what_waits_for_a_full_node_hides_nothing_and_is_claimed_once_there_is_room() -> None:
    on_nodes("full", room=2)
    on_nodes("free")
    queue("full", *ids(0, 500))
    queue("free", *ids(500, 505))
    assert claimed() == ids(0, 2)
    assert claimed() == ids(500, 505)
    assert claimed() == []
    assert not claims.is_claimable("salt")
    with database.transaction():
        nodes.change("full", concurrency=3)
    assert claims.is_claimable("salt")
    assert claimed() == ids(2, 3)


def test_what_is_urgent_does_not_wait_for_room() -> None:
    on_nodes("full", room=1)
    queue("full", *ids(0, 50))
    assert claimed() == ids(0, 1)
    queue("full", *ids(50, 53), priority=0)
    assert claims.is_claimable("salt")
    assert claimed() == ids(50, 53)


def test_a_command_at_its_limit_hides_no_other() -> None:
    on_nodes("a", "b")
    queue("a", *ids(0, 400), command="few", at_most=3)
    queue("b", *ids(400, 410), command="few", at_most=3)
    queue("a", *ids(410, 412))
    assert claimed() == ids(0, 3)
    assert claimed() == ids(410, 412)
    assert not claims.is_claimable("salt")


def test_what_is_to_wait_waits() -> None:
    on_nodes("a")
    queue("a", *ids(0, 3))
    with database.transaction():
        jobs.change("j00001", not_before=time.time() + 60)
    assert claimed() == ["j00000", "j00002"]
    assert not claims.is_claimable("salt")


def test_what_was_asked_for_by_a_clock_that_was_set_back_since_does_not_wait_for_it() -> None:
    on_nodes("a")
    assert claimed() == []
    queue("a", "j00001", "j00002")
    with database.transaction():
        jobs.change("j00001", created_at=time.time() + 86_400, not_before=time.time() + 86_400)
        jobs.change("j00002", not_before=time.time() + 30)
    assert claims.is_claimable("salt")
    assert claimed() == ["j00001"]


def test_a_claim_reads_a_few_jobs_of_each_node_however_many_wait(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_nodes("full", room=1)
    on_nodes(*(f"n{n}" for n in range(20)))
    queue("full", *ids(0, 2000))
    for n in range(20):
        queue(f"n{n}", *ids(2000 + 100 * n, 2100 + 100 * n))
    claimed()
    read, seen = rows.read, []
    monkeypatch.setattr(rows, "read", lambda *told: seen.extend(found := read(*told)) or found)
    assert len(claimed()) == claims.AT_ONCE
    assert len(seen) < 2000
    assert not [row for row in seen if row[0] == "full" and len(row) > 1]


def test_one_that_can_not_be_ended_keeps_no_other_from_being_carried_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_by_one, "_left", {})  # As in a new process.
    now = time.time()
    on_nodes("a")
    queue("a", "j00001", "j00002", "j00003")
    with database.transaction():
        jobs.Job.update(deadline_at=now - 1, not_before=now + 3600).where(jobs.Job.id << ["j00001", "j00002"]).execute()
        jobs.Job.update(plan=["no plan"]).where(jobs.Job.id == "j00001").execute()
    assert claimed() == ["j00003"]
    assert claims.claim("salt")["runs"] == []
    assert {job.id: job.state for job in jobs.Job.select()} == {
        "j00001": "queued", "j00002": "timed_out", "j00003": "claimed"
    }  # fmt: skip
    assert [one.getMessage() for one in caplog.records if "could not be ended" in one.getMessage()] == [
        "j00001 could not be ended; it is tried again in 60 s."
    ]


def test_a_job_of_a_newer_version_is_shown_and_is_over_after_a_day() -> None:
    """As after a downgrade."""
    person, poured_one, poured_next = owner(), poured(), bot("other")["agent"]
    with database.transaction():
        jobs.add(id="f" * 16, command="bots.from_later", bot=poured_one["id"], node="cellar-1", arguments={}, actor="test",
                 fingerprint="", created_at=time.time(), not_before=0.0)  # fmt: skip
    assert (
        health.take("cellar-1", [event(report(str(poured_next["id"]), answers=False, health="starting"))])["refused"]
        == []
    )
    assert job_cases.listed_to(person)[0]["command"] == "bots.from_later"
    assert job_cases.told_to(person, "f" * 16)["state"] == "queued"
    for ask in (lambda: job_cases.take_back(person, "f" * 16), lambda: own_bots.again(person, "f" * 16)):
        with pytest.raises(Conflict, match="newer version"):
            ask()
    with database.transaction():
        jobs.change("f" * 16, created_at=1.0)
    assert "f" * 16 not in claimed()
    assert job_cases.told_to(person, "f" * 16)["state"] == "timed_out"


def test_a_command_of_a_newer_version_waits_and_keeps_no_other_waiting() -> None:
    """As after a downgrade."""
    on_nodes("a")
    owner()
    poured_one = str(poured()["id"])
    with database.transaction():
        for n, command in enumerate(("bots.from_later", "bots.logs")):
            jobs.add(id=f"{n:016x}", command=command, bot=poured_one, node="cellar-1", arguments={}, actor="test",
                     fingerprint="", created_at=BEGAN + n, not_before=0.0)  # fmt: skip
    queue("a", "j00001")
    assert claimed() == ["j00001"], "of the bot's, the second waits for the first"
    assert claimed() == []
