"""Where commands run: on which nodes, on the least busy one, on several at once."""

import time
from collections import Counter
from dataclasses import replace

import pytest
from chatting import (
    COMMANDS,
    ask,
    begin,
    chat,
    claim_all,
    finish,
    keep,
    node,
    nodes_of,
    state,
)

from pillar_service.core.errors import Conflict, Invalid, NotFound
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import nodes
from pillar_service.usecases.meeseeks import asking, looking
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.nodes import presence

pytestmark = pytest.mark.usefixtures("service", "_scene")
ROOT = Asker("operator:root")


def test_only_granted_nodes_are_meant_whatever_is_asked_for() -> None:
    assert nodes_of("say hi") == ["cellar-1", "cellar-2"]
    assert nodes_of("say hi -l disk=ssd") == ["cellar-1"]
    assert nodes_of("say hi -l node=cellar-2") == ["cellar-2"]
    for wider in ("environment=prd", "node=cellar-3", "environment in (prd)", "!environment"):
        with pytest.raises(NotFound, match=r"yours are cellar-1, cellar-2"):
            asking.read(chat(), f"say hi -l '{wider}'")
    assert asking.wish(ROOT, "say", {"text": "hi"}).nodes == ("cellar-1", "cellar-2", "cellar-3")


def test_a_label_can_not_pass_for_a_nodes_id() -> None:
    node("cellar-4", environment="tests", node="cellar-1")
    assert nodes_of("say hi -l node=cellar-1") == ["cellar-1"]


def test_one_node_must_be_chosen_where_several_fit() -> None:
    with pytest.raises(Invalid, match=r"2 fit \(cellar-1, cellar-2\): choose one with -l node=NAME"):
        ask("one")
    assert nodes_of("one on=cellar-2") == ["cellar-2"]
    with pytest.raises(NotFound):
        ask("one on=cellar-3")


def test_any_takes_the_least_busy() -> None:
    first = ask("any")
    assert {first["node"], ask("any")["node"]} == {"cellar-1", "cellar-2"}


def heard(node: str, ago_s: float) -> None:
    """Let a node have been heard of so many seconds ago."""
    with database.transaction():
        presence.reported(node, None, time.time() - ago_s)


def asked_of(count: int, line: str = "any") -> Counter[str]:
    """How many of so many jobs each node gets, when each is asked for before the previous one is over."""
    return Counter(str(ask(line)["node"]) for _ in range(count))


def test_any_takes_a_node_that_is_here_though_it_is_busier() -> None:
    heard("cellar-1", 30 * 86_400)
    heard("cellar-2", 5)
    assert asked_of(10) == {"cellar-2": 10}


def test_any_takes_one_that_is_away_only_where_none_is_here() -> None:
    for node_id in ("cellar-1", "cellar-2"):
        heard(node_id, 30 * 86_400)
    assert asked_of(4) == {"cellar-1": 2, "cellar-2": 2}
    heard("cellar-2", 5)
    assert ask("any -l disk=ssd")["node"] == "cellar-1"


def test_any_gives_each_as_much_as_it_does_at_once() -> None:
    with database.transaction():
        nodes.change("cellar-1", concurrency=8, capacities={"has": [], "slots": 1})
        nodes.change("cellar-2", concurrency=8, capacities={"has": [], "slots": 4})
    assert asked_of(10) == {"cellar-1": 2, "cellar-2": 8}
    with database.transaction():
        nodes.change("cellar-2", concurrency=1)
        jobs.Job.update(state="succeeded").execute()
    assert asked_of(10) == {"cellar-1": 5, "cellar-2": 5}


def test_what_runs_once_at_a_time_goes_from_node_to_node() -> None:
    keep([replace(one, concurrency=1) for one in COMMANDS if one.name == "say"])
    job, took = ask("say hi"), []
    while claimed := claim_all():
        [run] = claimed
        took.append(run["node"])
        begin(run)
        finish(run)
    assert (sorted(took), state(job)) == (["cellar-1", "cellar-2"], "succeeded")


def test_any_takes_one_after_the_other_where_none_is_busy() -> None:
    took = []
    for _ in range(6):
        took.append(ask("any")["node"])
        with database.transaction():
            jobs.Job.update(state="succeeded").execute()
    assert took == ["cellar-1", "cellar-2"] * 3


def test_what_a_node_has_routes_and_permits_nothing() -> None:
    assert {tuple(nodes_of("pods")) for _ in range(9)} == {("cellar-2",)}
    with pytest.raises(Conflict, match="needs kubectl, which is missing on cellar-1"):
        ask("pods -l disk=ssd")
    with pytest.raises(NotFound):
        ask("pods -l environment=prd")


def test_a_job_on_several_nodes_has_a_part_on_each_and_tells_who_answered() -> None:
    job = ask("say hi")
    assert (job["parts"], job["node"], job["state"]) == (2, None, "queued")
    by_node = {run["node"]: run for run in claim_all()}
    assert {run["function"] for run in by_node.values()} == {"meeseeks.run"}
    assert [part["command"] for part in looking.show(chat(), job["id"])["parts"]] == ["say", "say"]
    begin(by_node["cellar-1"])
    finish(by_node["cellar-1"])
    assert state(job) == "running"
    begin(by_node["cellar-2"])
    finish(by_node["cellar-2"], "failed", 3)
    told = looking.show(chat(), job["id"])["job"]
    assert told["state"] == "failed"
    assert told["result"] == {
        "expected": ["cellar-1", "cellar-2"],
        "answered": ["cellar-1", "cellar-2"],
        "missing": [],
        "failed": ["cellar-2"],
    }
    assert told["error"] == "It worked on 1 of 2: failed on cellar-2."


def test_nodes_that_never_took_it_are_missing_once_its_time_is_over() -> None:
    job = ask("say hi")
    run = next(run for run in claim_all() if run["node"] == "cellar-1")
    begin(run)
    finish(run)
    with database.transaction():
        jobs.Job.update(state="queued", run=None, deadline_at=1.0).where(jobs.Job.node == "cellar-2").execute()
    claim_all()
    told = looking.show(chat(), job["id"])["job"]
    assert (told["state"], told["result"]["missing"]) == ("timed_out", ["cellar-2"])


def test_a_job_that_no_node_took_in_time_says_who_is_missing() -> None:
    job = ask("say hi")
    with database.transaction():
        jobs.Job.update(deadline_at=1.0).execute()
    assert claim_all() == []
    told = looking.show(chat(), job["id"])["job"]
    assert (told["state"], told["result"]["missing"]) == ("timed_out", ["cellar-1", "cellar-2"])
