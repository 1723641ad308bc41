"""A chat command that applies states runs beside no other state run of its node, whoever asked for that."""

import time
from typing import Any

import pytest
from chatting import ask, begin, claim_all, finish, scene, state
from pouring import answer, bot, owner, states_of

from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.usecases.jobs import claims, queue

pytestmark = pytest.mark.usefixtures("service", "_scene")


@pytest.fixture
def _scene(service: object) -> None:
    scene()
    owner()


def carry_on(run: dict[str, Any]) -> None:
    begin(run)
    finish(run)


def test_two_of_them_on_one_node_go_one_after_the_other_and_wake_no_master_meanwhile() -> None:
    first, second = ask("apply pubs"), ask("apply pubs -l disk=ssd")
    began = claim_all()
    assert sorted(run["node"] for run in began) == ["cellar-1", "cellar-2"]
    assert state(second) == "queued"
    assert not claims.is_claimable("salt")
    other = ask("any -l disk=ssd")
    [beside] = claim_all()
    assert beside["jobs"] == [other["id"]]
    for run in began:
        carry_on(run)
    assert (state(first), state(second)) == ("succeeded", "queued")
    [run] = claim_all()
    assert run["jobs"] == [second["id"]]


def test_a_bots_state_run_waits_for_it_and_it_for_that() -> None:
    ask("apply pubs -l disk=ssd")
    [mine] = claim_all()
    pouring = bot(node="cellar-1")["job"]
    assert (claim_all(), state(pouring)) == ([], "queued")
    carry_on(mine)
    [its] = claim_all()
    assert its["jobs"] == [pouring["id"]]
    late = ask("apply pubs")
    assert [run["node"] for run in claim_all()] == ["cellar-2"]
    answer(its, states_of("cellar-1"))
    assert [run["node"] for run in claim_all()] == ["cellar-1"]
    assert {part.state for part in jobs.parts_of(late["id"])} == {"running"}


def test_a_state_run_of_our_own_waits_for_it_too() -> None:
    ask("apply pubs -l disk=ssd")
    [mine] = claim_all()
    with database.transaction():
        labels = queue.call("test", "nodes.label", "cellar-1", "state.apply", ["meeseeks"], {"queue": 10}, time.time())
    assert not claims.is_claimable("salt")
    carry_on(mine)
    assert [run["jobs"] for run in claim_all()] == [[labels.id]]


def test_what_applies_no_states_is_not_held_up() -> None:
    ask("apply pubs -l disk=ssd")
    claim_all()
    ask("say hi")
    assert sorted(run["node"] for run in claim_all()) == ["cellar-1", "cellar-2"]
    assert {job.command for job in jobs.Job.select().where(jobs.Job.converges)} == {"apply"}
