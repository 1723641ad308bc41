"""Jobs that run on a few nodes at a time: the last node has its turn, and none waits longer for a node that is away."""

import time
from dataclasses import replace
from typing import Any

import pytest
from chatting import COMMANDS, ask, begin, chat, claim_all, finish, keep, node, state

from pillar_service.core.durations import DAY_S
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.runs import Run
from pillar_service.usecases.jobs import runs
from pillar_service.usecases.meeseeks import asking, looking
from pillar_service.usecases.meeseeks.asker import Asker

pytestmark = pytest.mark.usefixtures("service", "_scene")
TIMEOUT_S = 1800


def roll(concurrency: int, more: int = 0) -> dict[str, Any]:
    """Ask for a command that runs on ``concurrency`` nodes at a time; it has two nodes and ``more``."""
    for n in range(more):
        node(f"more-{n}", environment="tests")
    told = {"concurrency": concurrency, "timeout_s": TIMEOUT_S}
    keep([replace(one, **told) for one in COMMANDS if one.name == "say"])
    return ask("say hi")


def pass_by(seconds: float) -> None:
    """Let time pass for all jobs and their runs."""
    at = jobs.Job
    with database.transaction():
        at.update(
            created_at=at.created_at - seconds,
            not_before=at.not_before - seconds,
            started_at=at.started_at - seconds,
            deadline_at=at.deadline_at - seconds,
        ).execute()
        Run.update(expires_at=Run.expires_at - seconds).execute()


def parts(job: dict[str, Any]) -> dict[str, str]:
    return {str(one["node"]): str(one["state"]) for one in looking.show(Asker("operator:root"), job["id"])["parts"]}


def test_what_takes_its_time_on_each_of_many_nodes_comes_to_the_last_of_them() -> None:
    job, took = roll(1, more=4), list[str]()
    while claimed := claim_all():
        [run] = claimed
        took.append(run["node"])
        begin(run)
        pass_by(TIMEOUT_S - 1)
        finish(run)
    assert (len(set(took)), state(job)) == (6, "succeeded")


def test_a_node_that_is_away_is_waited_for_from_its_turn_on() -> None:
    job = roll(2, more=4)
    first, second = claim_all()
    begin(second)
    finish(second)
    pass_by(settings().chat_deadline_s / 2)
    runs.failed("salt", first["id"], "node_away")
    assert parts(job)[first["node"]] == "queued"
    pass_by(settings().chat_deadline_s / 2 + 60)
    claim_all()
    assert parts(job)[first["node"]] == "timed_out"
    assert "timed_out" not in [its for node_id, its in parts(job).items() if node_id != first["node"]]


def test_a_node_that_is_gone_in_the_middle_leaves_the_others_their_turns() -> None:
    job = roll(1, more=4)
    [run] = claim_all()
    begin(run)
    pass_by(settings().chat_deadline_s + 60)
    runs.failed("salt", run["id"], "node_away")
    assert parts(job)[run["node"]] == "lost"
    assert [after["node"] for after in claim_all()] != []


def test_a_job_waits_for_the_turns_of_other_jobs_of_its_command() -> None:
    first, second = roll(1, more=4), ask("say there")
    while claimed := claim_all():
        [run] = claimed
        begin(run)
        pass_by(TIMEOUT_S - 1)
        finish(run)
    assert (state(first), state(second)) == ("succeeded", "succeeded")


def test_a_job_on_one_node_waits_for_the_turns_of_those_that_were_asked_for_with_it() -> None:
    keep([replace(one, concurrency=1, timeout_s=TIMEOUT_S) for one in COMMANDS if one.name == "any"])
    asker = chat()
    made = asking._make(
        [(asker, wanted, asking._request(asker, wanted, None)) for wanted in [asking.read(asker, "any")] * 3]
    )
    within = sorted(round(one["deadline_at"] - time.time() - settings().chat_deadline_s, -1) for one in made)
    assert within == [0, DAY_S, DAY_S]


def test_what_runs_everywhere_at_once_waits_no_longer_than_before() -> None:
    job = roll(10)
    found = jobs.parts_of(job["id"])
    assert {round((one.deadline_at or 0) - time.time(), -1) for one in found} == {settings().chat_deadline_s}
