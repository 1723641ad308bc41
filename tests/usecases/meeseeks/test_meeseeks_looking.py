"""Looking at jobs of commands, and stopping them."""

import time
from operator import itemgetter

import pytest
from chatting import (
    ANN,
    BEN,
    DORA,
    ROLES,
    ask,
    begin,
    chat,
    claim_all,
    finish,
    grant,
    keep,
    said,
    state,
)
from pouring import answer, owner, poured
from trails import trail

from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound
from pillar_service.core.jobs.jobs import QUEUED_FOR_S
from pillar_service.core.meeseeks.roles import Role
from pillar_service.store import database
from pillar_service.store.jobs import jobs, outputs
from pillar_service.store.jobs.outputs import Line
from pillar_service.usecases.bots import bots
from pillar_service.usecases.chat import watching
from pillar_service.usecases.jobs import executing, runs
from pillar_service.usecases.meeseeks import looking, stopping
from pillar_service.usecases.meeseeks.asker import Asker

pytestmark = pytest.mark.usefixtures("service", "_scene")
ROOT = Asker("operator:root")


def write(job: str, *texts: str) -> None:
    with database.transaction():
        outputs.add_lines(job, [Line(f"1:{n}", "stdout", text) for n, text in enumerate(texts, 1)], 1.0)


def test_one_sees_ones_own_and_others_only_with_the_privilege() -> None:
    job = ask("any")
    for other in (chat(BEN), chat(ANN, team="T02")):
        with pytest.raises(NotFound):
            looking.found(other, job["id"])
        with pytest.raises(NotFound):
            looking.show(other, job["id"])
        assert looking.listed(other) == []
        with pytest.raises(Forbidden):
            looking.listed(other, "chat:T01/U01")
        with pytest.raises(NotFound, match="not asked for anything"):
            looking.last(other)
    for one in (chat(), chat(DORA), ROOT):
        assert looking.found(one, job["id"][:6]).id == job["id"]
    assert looking.last(chat()).id == job["id"]
    assert [told["id"] for told in looking.listed(chat(DORA), "chat:T01/U01")] == [job["id"]]
    assert [told["id"] for told in looking.listed(chat(DORA), "*")] == [job["id"]]
    assert looking.listed(chat(DORA)) == []


@pytest.mark.parametrize("wrong", ["", "abc", "%%%%", "ffffffffffffffffff", None, 7, "../x", "ABCD"])
def test_what_is_no_id_finds_nothing(wrong: object) -> None:
    ask("any")
    with pytest.raises(NotFound):
        looking.found(ROOT, wrong)


def test_jobs_of_others_do_not_stand_before_ones_own() -> None:
    with database.transaction():
        mine = ask("any")["id"]
        row = jobs.Job.select().where(jobs.Job.id == mine).dicts().get()
        for n in range(25):
            jobs.add(**{**row, "id": f"{mine[:6]}{n:010d}"[:16], "actor": "chat:T01/U02"})
    assert looking.found(chat(), mine[:6]).id == mine
    with pytest.raises(Invalid, match="begin with"):
        looking.found(ROOT, mine[:6])


def test_what_comes_out_of_a_private_job_is_its_askers_alone() -> None:
    job = ask("quiet")
    write(job["id"], "the code is 7")
    [run] = claim_all()
    begin(run)
    finish(run)
    assert [line["text"] for line in looking.show(chat(), job["id"])["lines"]] == ["the code is 7"]
    assert looking.listed(chat())[0]["result"]
    for look in (lambda: looking.show(chat(DORA), job["id"]), lambda: looking.tail(chat(DORA), job["id"])):
        with pytest.raises(Forbidden, match="Only whoever asked for that"):
            look()
    [told] = looking.listed(chat(DORA), "*")
    assert (told["id"], told["result"]) == (job["id"], None)
    assert looking.show(ROOT, job["id"])["lines"]


def test_the_code_of_an_invite_is_its_askers_alone() -> None:
    owner()
    poured(node="cellar-1")
    job = ask("invite my")
    [run] = claim_all()
    answer(run, {"id": "@x.ed25519", "code": "my.butt.nz:1:abc~def", "note": "", "uses": 1})
    assert "abc~def" in str(looking.show(chat(), job["id"]))
    assert "abc~def" not in str(looking.listed(chat(DORA), "*"))


def test_the_last_lines_of_each_place() -> None:
    job = ask("say hi")
    for part in jobs.parts_of(job["id"]):
        write(part.id, *(f"{part.node} {n}" for n in range(30)))
    told = looking.tail(chat(), job["id"], 2)
    assert [line["text"] for line in told] == ["cellar-1 28", "cellar-1 29", "cellar-2 28", "cellar-2 29"]
    assert [line["n"] for line in looking.lines(chat(), looking.last(chat()), 28)] == [29, 30, 29, 30]


def test_of_many_places_fewer_lines_of_each_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LINES_OF_ALL", 7)
    job = ask("say hi")
    for part in jobs.parts_of(job["id"]):
        write(part.id, *(f"{part.node} {n}" for n in range(30)))
    told = looking.show(chat(), job["id"], 3)
    assert [(line["place"], line["n"]) for line in told["lines"]] == [
        (f"cellar-{n}", m) for n in (1, 2) for m in (4, 5, 6)
    ]
    assert told["most"] == 3


def test_what_waits_is_cancelled_and_what_runs_goes_on() -> None:
    job = ask("say hi")
    run = next(run for run in claim_all() if run["node"] == "cellar-1")
    with database.transaction():
        jobs.Job.update(state="queued", run=None).where(jobs.Job.node == "cellar-2").execute()
    for other in (chat(BEN),):
        with pytest.raises(NotFound):
            stopping.cancel(other, job["id"])
    stopping.cancel(chat(), job["id"])
    assert state(job) == "running"
    told = stopping.cancelled(job["id"], "That")
    assert told == f"Of job {job['id']}, 1 waiting part is cancelled; it is still running on cellar-1: That ends that."
    with pytest.raises(Conflict, match="kill it"):
        stopping.cancel(chat(), job["id"])
    begin(run)
    finish(run)
    assert state(job) == "cancelled"
    assert stopping.cancelled(job["id"], "That") == f"Job {job['id']} is cancelled."
    with pytest.raises(Conflict, match="over already"):
        stopping.cancel(chat(), job["id"])


def test_a_kill_reaches_the_node_before_anything_else() -> None:
    job = ask("say hi")
    first = claim_all()
    stops = stopping.kill(chat(), job["id"], force=True)
    assert [stop["node"] for stop in stops] == ["cellar-1", "cellar-2"]
    runs = claim_all()
    assert {run["function"] for run in runs} == {"meeseeks.stop"}
    assert sorted(run["arguments"][0] for run in runs) == sorted(run["jobs"][0] for run in first)
    assert all(run["arguments"][1] is True for run in runs)
    assert [row.detail for row in said("meeseeks.kill")] == ["by force"]
    assert [told["command"] for told in looking.listed(chat())] == ["say"]


def test_a_kill_that_is_asked_for_again_is_the_one_that_is_on_its_way() -> None:
    job, runner = ask("say hi"), ask("list-bots")
    claim_all()
    stops = {id: stopping.kill(chat(), id) for id in (job["id"], runner["id"])}
    for _ in range(5):
        assert {id: stopping.kill(chat(), id) for id in stops} == stops
    forced = stopping.kill(chat(), job["id"], force=True)
    assert {one["id"] for one in forced}.isdisjoint(one["id"] for one in stops[job["id"]])
    assert stopping.kill(chat(), job["id"]) == stopping.kill(chat(), job["id"], force=True) == forced
    assert len(claim_all()) == 5
    claims_over = {one["id"] for one in forced} | {one["id"] for its in stops.values() for one in its}
    with database.transaction():
        jobs.Job.update(state="lost").where(jobs.Job.id.in_(claims_over)).execute()
    assert claims_over.isdisjoint(one["id"] for one in stopping.kill(chat(), job["id"]))


def test_who_stops_what_runs_on_many_nodes_may_ask_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    job = ask("say hi")
    runs_of_it = claim_all()
    assert len(stopping.kill(chat(), job["id"])) == 2
    for run in runs_of_it:
        begin(run)
        finish(run, "failed", 1)
    monkeypatch.setenv("CELLAR_CHAT_JOBS_MOST", "2")
    assert ask("any")["state"] == "queued"


def test_a_kill_cancels_what_does_not_run_yet() -> None:
    job = ask("sure")
    assert stopping.kill(chat(), job["id"]) == []
    assert state(job) == "cancelled"
    with pytest.raises(Conflict, match="over already"):
        stopping.kill(chat(), job["id"])


def test_anothers_job_is_stopped_with_the_privilege_alone() -> None:
    eyes = Role("looker", frozenset({"T01/U02"}), (), (grant("meeseeks.jobs"),))
    keep(roles=[*ROLES[:1], eyes, ROLES[2]])
    job = ask("any")
    for stop in (stopping.cancel, stopping.kill):
        with pytest.raises(Forbidden, match="somebody else's"):
            stop(chat(BEN), job["id"])
    assert state(job) == "queued"
    stopping.cancel(chat(DORA), job["id"])
    assert state(job) == "cancelled"


def test_what_changed_a_bots_wish_is_not_undone_by_stopping() -> None:
    owner()
    poured(node="cellar-1")
    job = ask("stop-bot my")
    for stop in (stopping.cancel, stopping.kill):
        with pytest.raises(Conflict, match="ask for the opposite"):
            stop(chat(), job["id"])
    assert state(job) == "queued"
    looked = ask("bot-logs my")
    stopping.cancel(chat(), looked["id"])
    assert state(looked) == "cancelled"


def test_a_deletion_ends_the_job_of_chat_that_waited_for_the_bot() -> None:
    owner()
    bot = poured(node="cellar-1")
    whole = ask("restart-bot my")
    bots.delete("test", "my", purge=False)
    found = jobs.find(whole["id"])
    assert found is not None
    assert (found.state, found.result["missing"]) == ("cancelled", ["cellar-1"])
    assert bots.show(bot["id"])["detail"] == ""
    assert jobs.open_of_actor(chat().actor, 9) == 0
    assert [row["action"] for row in trail(f"agent:{bot['id']}")].count("jobs.cancelled") == 1


def test_a_job_that_an_older_version_left_open_without_open_parts_ends_after_a_day() -> None:
    owner()
    poured(node="cellar-1")
    left, waits, now = ask("restart-bot my"), ask("say hello"), time.time()
    with database.transaction():
        [gone] = jobs.parts_of(left["id"])
        jobs.move(gone.id, "queued", "cancelled", ended_at=now)
        for part in jobs.parts_of(waits["id"]):
            jobs.change(part.id, deadline_at=None, created_at=now + QUEUED_FOR_S)
        runs.sweep(now + QUEUED_FOR_S - 60)
        assert [state(left), state(waits)] == ["queued"] * 2
        runs.sweep(now + QUEUED_FOR_S + 60)
    assert (state(left), state(waits)) == ("cancelled", "queued")


def test_what_salt_itself_carries_out_on_a_node_is_not_killed() -> None:
    owner()
    poured(node="cellar-1")
    job = ask("restart-bot my")
    claim_all()
    with pytest.raises(Conflict, match="Salt is running it"):
        stopping.kill(chat(), job["id"])


def test_a_runner_is_ended_by_the_master_that_runs_it() -> None:
    job = ask("list-bots")
    [run] = claim_all()
    [stop] = stopping.kill(chat(), job["id"], force=True)
    [told] = claim_all()
    assert (told["node"], told["function"], told["arguments"]) == (None, "stop-runner", [f"jid-{run['id']}", True])
    answer(run, "It was stopped.", success=False, retcode=1)
    answer(told, {"jid": told["arguments"][0], "stopped": True})
    found = jobs.find(job["id"])
    assert found is not None
    assert (found.state, found.error, state(stop)) == ("failed", "It was stopped.", "succeeded")


def test_an_urgent_command_stands_in_the_list_of_jobs() -> None:
    ask("alarm")
    assert [told["command"] for told in looking.listed(chat())] == ["alarm"]


def test_what_many_places_said_is_put_together_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_BYTES", 100)
    job = ask("say hi")
    for run, count in zip(sorted(claim_all(), key=itemgetter("node")), (2, 50), strict=True):
        begin(run)
        lines = [{"n": n, "stream": "stdout", "text": "0123456789"} for n in range(1, count + 1)]
        executing.add_lines(run["node"], run["jobs"][0], 1, lines)
        finish(run)
    first, second = (part.node for part in jobs.parts_of(job["id"]))
    told = watching.output(job["id"])
    assert told[:-1] == [f"{first}: 0123456789"] * 2 + [f"{second}: 0123456789"] * 7
    assert told[-1] == f"{second}: … and 43 more lines, for which there is no room here."


def test_how_long_it_ran_counts_from_its_first_begin_to_its_last_end() -> None:
    """Not from when it was asked for, as it may have waited for a yes or for a node."""
    several, one, never = ask("say hi"), ask("any"), ask("any")
    stopping.cancel(chat(), never["id"])
    for run in claim_all():
        begin(run)
        finish(run)
    first, second = jobs.parts_of(several["id"])
    with database.transaction():
        jobs.Job.update(created_at=1.0).execute()
        for id, began, ended in ((first.id, 100.0, 105.0), (second.id, 101.0, 108.0), (one["id"], 200.0, 202.5)):
            jobs.change(id, started_at=began, ended_at=ended)
    told = [watching.seen(job["id"]) for job in (several, one, never)]
    assert [seen and seen.seconds for seen in told] == [8.0, 2.5, 0.0]
