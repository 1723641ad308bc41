"""What was asked for is what runs: if the command or the roles have changed since, nothing of it begins."""

from dataclasses import replace
from typing import Any

import pytest
from chatting import (
    ANN,
    BEN,
    CLEO,
    COMMANDS,
    ROLES,
    SECRET,
    ask,
    begin,
    chat,
    claim_all,
    finish,
    grant,
    keep,
    node,
    said,
    state,
    user,
)
from pouring import answer, owner, poured

from pillar_service.core.errors import Conflict, Invalid
from pillar_service.core.meeseeks.catalogue import Approval, Arguments, Command, Limits, Requires
from pillar_service.core.meeseeks.parameters import Parameter
from pillar_service.core.meeseeks.roles import Role
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import nodes
from pillar_service.usecases.meeseeks import asking, challenges

pytestmark = pytest.mark.usefixtures("service", "_scene")
CHANGED = "The command {} has changed since this was asked for: ask for it again."


def change(name: str, **columns: Any) -> None:
    """Change a command of the catalogue; without columns, remove it."""
    others = [one for one in COMMANDS if one.name != name]
    keep([*others, *(replace(one, **columns) for one in COMMANDS if one.name == name and columns)])


def error(job: dict[str, Any]) -> str | None:
    found = jobs.find(job["id"])
    assert found is not None
    return found.error


@pytest.mark.parametrize(
    "columns", [{"runs": Arguments(("rm", "-r", "/"))}, {"user": "root"}, {"limits": Limits(16)}, {}]
)
def test_nobody_says_yes_to_what_is_another_command_by_then(columns: dict[str, Any]) -> None:
    job = ask("sure")
    change("sure", **columns)
    with pytest.raises(Conflict, match="has changed since"):
        challenges.confirm(chat(), job["id"], True)
    assert state(job) == "asked"
    keep()
    challenges.confirm(chat(), job["id"], True)
    assert state(job) == "queued"


@pytest.mark.parametrize(
    "requires",
    [
        Requires(),
        Requires(otp=True, approval=Approval("approver", 2, 90)),
        Requires(approval=Approval("tester", 2, 90)),
        Requires(approval=Approval("approver", 3, 90)),
    ],
)
def test_nobody_approves_what_takes_another_yes_by_then(requires: Requires) -> None:
    job = ask("deploy")
    change("deploy", requires=requires)
    with pytest.raises(Conflict, match="has changed since"):
        challenges.vote(chat(BEN), job["id"], True)
    assert state(job) == "asked"
    keep()
    approve(job)
    assert state(job) == "queued"


def test_a_no_counts_also_for_what_is_another_by_then() -> None:
    job, other = ask("sure"), ask("deploy")
    keep([])
    challenges.confirm(chat(), job["id"], False)
    challenges.vote(chat(BEN), other["id"], False)
    keep()
    assert (state(job), state(other)) == ("cancelled", "cancelled")


def test_nobody_says_yes_to_a_runner_that_is_in_the_catalogue_no_more() -> None:
    runner = next(one for one in COMMANDS if one.name == "list-bots")
    keep([replace(runner, requires=Requires(confirm=True))])
    job = ask("list-bots")
    keep([])
    with pytest.raises(Conflict, match="has changed since"):
        challenges.confirm(chat(), job["id"], True)
    assert claim_all() == []


def test_what_waits_for_its_node_fails_when_its_command_is_another_by_then() -> None:
    job, other = ask("any"), ask("say hi")
    change("any", user="root")
    assert {run["jobs"][0] for run in claim_all()} == {part.id for part in jobs.parts_of(other["id"])}
    assert (state(job), error(job)) == ("failed", CHANGED.format("any"))


def test_what_a_node_is_about_to_run_does_not_begin_and_is_not_tried_for_ever() -> None:
    job = ask("any")
    [run] = claim_all()
    change("any", user="root")
    with pytest.raises(Conflict, match="has changed since"):
        begin(run)
    told = {"job": job["id"], "attempt": 1, "state": "not_begun", "error": CHANGED.format("any")}
    answer(run, told, retcode=1)
    assert state(job) == "queued"
    with database.transaction():
        jobs.change(job["id"], not_before=0.0)
    assert claim_all() == []
    assert (state(job), error(job)) == ("failed", CHANGED.format("any"))


def test_of_many_nodes_those_that_were_asked_for_another_command_failed_and_were_not_silent() -> None:
    keep([replace(one, concurrency=1) for one in COMMANDS if one.name == "say"])
    job = ask("say hi")
    [run] = claim_all()
    begin(run)
    change("say", user="root")
    finish(run)
    assert claim_all() == []
    [refused] = {"cellar-1", "cellar-2"} - {run["node"]}
    found = jobs.find(job["id"])
    assert found is not None
    assert (found.result["answered"], found.result["failed"], found.result["missing"]) == ([run["node"]], [refused], [])
    assert error(job) == f"It worked on 1 of 2: failed on {refused}. {CHANGED.format('say')}"


def test_what_was_a_secret_when_it_was_asked_for_is_not_repeated_as_if_it_were_a_text() -> None:
    job = ask(f"log-in {SECRET}")
    change("log-in", parameters=(Parameter("password", required=True),))
    found = jobs.find(job["id"])
    assert found is not None
    with pytest.raises(Invalid, match="took a secret, which is not kept"):
        asking.again(chat(), found)


def test_what_only_people_read_of_a_command_may_change() -> None:
    job = ask("any")
    change("any", summary="Something else", help="Much more of it", hidden=True)
    [run] = claim_all()
    assert (begin(run), state(job)) == ({}, "running")


def test_a_runner_runs_as_it_was_asked_for_whatever_the_catalogue_says_since() -> None:
    job = ask("list-bots")
    change("list-bots")
    [run] = claim_all()
    assert (run["function"], run["jobs"]) == ("bots.list", [job["id"]])


def approve(job: dict[str, Any]) -> None:
    for id in (BEN, CLEO):
        challenges.vote(chat(id), job["id"], True)


@pytest.mark.parametrize(
    ("role", "why"),
    [
        ((), "No role names you"),
        (("say",), "None of your roles may run deploy"),
        (("deploy", "environment=prd"), "They do not let you run deploy on cellar-"),
        (("deploy", "environment=tests", ("direct",)), "You may not run deploy here"),
    ],
)
def test_who_lost_their_role_since_they_asked_runs_nothing(role: Any, why: str) -> None:
    job = ask("deploy")
    left = Role("tester", frozenset({user(ANN)}), (), (_granted(*role),)) if role else None
    keep(roles=[*([left] if left else []), *ROLES[1:]])
    approve(job)
    assert (state(job), claim_all()) == ("failed", [])
    assert str(error(job)).startswith(f"Your roles have changed since you asked. {why}")
    assert [row.subject for row in said("meeseeks.denied")] == [f"job:{job['id']}"]


def _granted(command: str, where: str = "environment=tests", channels: tuple[str, ...] = ("any",)) -> Any:
    return grant(command, where=where, channels=channels)


def test_a_node_that_is_labelled_otherwise_since_is_not_run_on() -> None:
    job = ask("sure")
    with database.transaction():
        nodes.change("cellar-2", labels={"environment": "prd"})
    challenges.confirm(chat(), job["id"], True)
    assert state(job) == "failed"
    assert str(error(job)).endswith("They do not let you run sure on cellar-2.")


def test_a_secret_argument_is_asked_about_as_it_was_given() -> None:
    unlock = next(one for one in COMMANDS if one.name == "log-in")
    held: Command = replace(unlock, requires=Requires(confirm=True))
    role = Role("tester", frozenset({user(ANN)}), (), (grant("log-in", password="canary-.*"),))
    keep([held], [role])
    job = ask(f"log-in {SECRET}")
    challenges.confirm(chat(), job["id"], True)
    assert state(job) == "queued"


def test_a_bots_action_is_asked_about_where_the_bot_is_by_then() -> None:
    owner()
    poured(node="cellar-1")
    restart = next(one for one in COMMANDS if one.name == "restart-bot")
    keep([replace(restart, requires=Requires(confirm=True))])
    job, other = ask("restart-bot my"), ask("restart-bot my")
    challenges.confirm(chat(), job["id"], True)
    assert state(job) == "queued"
    node("cellar-1", environment="prd")
    challenges.confirm(chat(), other["id"], True)
    assert (state(other), "on cellar-1, where my is" in str(error(other))) == ("failed", True)
