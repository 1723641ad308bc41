"""Asking for commands: who may, where they run, with what, how often."""

import json
import time
from collections import Counter
from dataclasses import replace

import pytest
from chatting import (
    ANN,
    COMMANDS,
    SECRET,
    ZOE,
    ask,
    begin,
    chat,
    claim_all,
    everything,
    finish,
    grant,
    keep,
    link,
    node,
    said,
    state,
    user,
)
from pouring import answer, carry_out, has_second_factor, operator, owner, poured

from pillar_service.core.errors import Conflict, Forbidden, Full, Invalid, NotFound, SaltcellarError, TooMany
from pillar_service.core.meeseeks.roles import Role
from pillar_service.core.nodes import selectors
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.chat import chat_people
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import nodes
from pillar_service.usecases.bots import bots, bringing_back
from pillar_service.usecases.jobs import claims
from pillar_service.usecases.jobs import jobs as bots_jobs
from pillar_service.usecases.meeseeks import asking, catalogue, looking
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.nodes import presence
from pillar_service.usecases.people import accounts

pytestmark = pytest.mark.usefixtures("service", "_scene")
ROOT = Asker("operator:root")


def nodes_of(line: str, **more: str) -> list[str]:
    return list(asking.read(chat(**more), line).nodes)


def test_who_has_no_role_may_ask_for_nothing_and_it_is_written_down() -> None:
    assert asking.tasks(chat(ZOE)) == []
    for line in ("say hi", "list-bots"):
        with pytest.raises(Forbidden, match="No role names you"):
            ask(line, ZOE)
    rows = said("meeseeks.denied")
    assert [(row.actor, row.subject) for row in rows] == [
        ("chat:T01/U09", "command:say"),
        ("chat:T01/U09", "command:list-bots"),
    ]
    assert jobs.of_commands(None, 9) == []


def test_the_same_user_id_of_another_team_is_somebody_else() -> None:
    asker = chat(ANN, team="T02")
    with pytest.raises(Forbidden):
        asking.read(asker, "say hi")


def test_somebody_is_their_account_too_while_it_is_active() -> None:
    link(ZOE, owner("ann@example.org"))
    assert nodes_of("say hi", id=ZOE) == ["cellar-1", "cellar-2"]
    accounts.set_state("test", "ann@example.org", "suspended")
    with pytest.raises(Forbidden, match="suspended"):
        asking.read(chat(ZOE), "say hi")


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
    with pytest.raises(Invalid, match=r"2 fit \(cellar-1, cellar-2\): choose with -l node=NAME"):
        ask("one")
    assert nodes_of("one on=cellar-2") == ["cellar-2"]
    with pytest.raises(NotFound):
        ask("one on=cellar-3")


def test_any_takes_the_least_busy() -> None:
    first = ask("any")
    assert {first["node"], ask("any")["node"]} == {"cellar-1", "cellar-2"}


def heard(node: str, ago_s: float) -> None:
    """A node was heard of so many seconds ago."""
    with database.transaction():
        presence.reported(node, None, time.time() - ago_s)


def asked_of(count: int, line: str = "any") -> Counter[str]:
    """On which nodes so many jobs go that are not over before the next is asked for."""
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
    with pytest.raises(Conflict, match="needs kubectl, which cellar-1 does not have"):
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


def test_a_secret_reaches_the_node_and_stands_nowhere_else() -> None:
    job = ask(f"log-in {SECRET}")
    assert job["arguments"] == {"password": "(secret)"}
    [run] = claim_all()
    assert SECRET not in json.dumps([run, looking.show(chat(), job["id"])]) + everything()
    assert begin(run) == {"password": SECRET}
    finish(run)
    found = jobs.find(job["id"])
    assert found is not None
    assert "secrets" not in found.plan
    assert SECRET not in everything()


@pytest.mark.parametrize(
    "line",
    [
        f"log-in '{SECRET}!'", f"log-in {SECRET} canary-7f3a-more", f"log-in password={SECRET}_", "log-in canary-7f3a=x",
        f"log-in x --password {SECRET}",
    ],
)  # fmt: skip
def test_no_error_repeats_a_secret(line: str) -> None:
    with pytest.raises(SaltcellarError) as raised:
        ask(line)
    assert "canary" not in str(raised.value)
    assert "canary" not in everything()


def test_arguments_are_checked_and_what_is_not_to_be_given_is_refused() -> None:
    for line in ("say", "say hi there", "say hi shout=yes", "fixed hi mode=fast", "one on=../etc"):
        with pytest.raises(Invalid):
            ask(line)
    with pytest.raises(NotFound, match="did you mean say"):
        ask("sayy hi")
    found = jobs.find(ask("fixed hi")["id"])
    assert found is not None
    assert found.plan["arguments"] == ["fixed", {"text": "hi", "mode": "slow"}]


def test_the_same_key_twice_is_one_job_though_another_node_is_less_busy_by_then() -> None:
    ids = {ask("any", key="event-1")["id"] for _ in range(5)}
    assert len(ids) == 1
    assert len(jobs.of_commands(None, 9)) == 1
    with pytest.raises(Conflict, match="another request"):
        ask("say hi", key="event-1")
    assert len(said("meeseeks.ask")) == 1


def test_the_same_key_with_another_secret_is_another_request() -> None:
    ask("log-in first", key="event-1")
    with pytest.raises(Conflict):
        ask("log-in second", key="event-1")


def test_who_has_many_jobs_waits_for_one_to_end(monkeypatch: pytest.MonkeyPatch, service: object) -> None:
    monkeypatch.setenv("CELLAR_CHAT_JOBS_MOST", "2")
    service()  # type: ignore[operator]
    for _ in range(2):
        ask("say hi")  # its parts do not count
    with pytest.raises(TooMany, match="2 of your jobs"):
        ask("any")
    asking.ask(ROOT, asking.wish(ROOT, "any", {}))
    for run in claim_all():
        if run["arguments"]:
            begin(run)
            finish(run)
    ask("any")


def test_a_job_whose_preview_is_one_too_many_is_not_made(monkeypatch: pytest.MonkeyPatch, service: object) -> None:
    monkeypatch.setenv("CELLAR_CHAT_JOBS_MOST", "2")
    service()  # type: ignore[operator]
    first = ask("any")
    with pytest.raises(TooMany, match="2 of your jobs"):
        asking.ask_shown(chat(), asking.read(chat(), "fell hi"), "event-1")
    assert [one["id"] for one in looking.listed(chat())] == [first["id"]]
    assert [row.subject for row in said("meeseeks.ask")] == [f"job:{first['id']}"]
    claim_all()
    with database.transaction():
        jobs.Job.update(state="succeeded").execute()
    job, shown = asking.ask_shown(chat(), asking.read(chat(), "fell hi"), "event-1")
    assert shown is not None
    assert (job["command"], shown["command"]) == ("fell", "say")
    assert asking.ask_shown(chat(), asking.read(chat(), "fell hi"), "event-1") == (job, shown)


def test_a_preview_runs_on_the_nodes_that_are_shown_and_waits_for_nothing() -> None:
    wanted = asking.read(chat(), "fell hi -l disk=ssd")
    shown = asking.preview(chat(), wanted)
    assert shown is not None
    told = shown["job"]
    assert (told["command"], told["node"], told["state"], told["arguments"]) == (
        "say",
        "cellar-1",
        "queued",
        {"text": "hi"},
    )
    assert asking.ask(chat(), wanted)["job"]["state"] == "asked"
    assert asking.preview(chat(), asking.read(chat(), "any")) is None


def test_a_preview_is_nothing_that_somebody_asked_for_by_itself() -> None:
    wanted = asking.read(chat(), "fell hi")
    job = asking.ask(chat(), wanted)["job"]
    shown = asking.preview(chat(), wanted)
    assert shown is not None
    assert looking.last(chat()).id == job["id"]
    assert [one["id"] for one in looking.listed(chat())] == [job["id"]]
    assert looking.found(chat(), shown["job"]["id"]).command == "say"
    ask("say hi")
    assert looking.last(chat()).command == "say"


def test_a_runner_runs_on_the_master_with_what_it_is_given() -> None:
    job = ask("list-bots")
    assert (job["node"], job["parts"]) == (None, 0)
    [run] = claim_all()
    assert (run["node"], run["function"], run["arguments"], run["keywords"]) == (None, "bots.list", [], {})
    ask("show-bot my")
    [run] = claim_all()
    assert (run["function"], run["arguments"], run["keywords"]) == ("bots.show", ["my"], {"long": True})


def test_what_a_runner_returns_is_no_outcome_of_the_executors() -> None:
    job = ask("list-bots")
    [run] = claim_all()
    answer(run, {"state": "making", "id": "1f2e"})
    told = looking.show(chat(), job["id"])["job"]
    assert (told["state"], told["result"]) == ("succeeded", {"state": "making", "id": "1f2e"})


def test_a_bots_action_is_the_bots_own_job() -> None:
    owner()
    bot = poured(node="cellar-1")
    job = ask("restart-bot my")
    assert (job["parts"], job["state"]) == (1, "queued")
    carry_out()
    told = looking.show(chat(), job["id"])
    assert told["job"]["state"] == "succeeded"
    assert [(part["bot"], part["command"]) for part in told["parts"]] == [(bot["id"], "bots.restart")]


def test_a_bot_is_deleted_and_brought_back() -> None:
    owner()
    first = poured(node="cellar-1")
    gone = ask("delete-bot my")
    assert (gone["parts"], gone["state"]) == (1, "queued")
    carry_out()
    assert looking.show(chat(), gone["id"])["job"]["state"] == "succeeded"
    with pytest.raises(NotFound, match="no bot"):
        ask("restart-bot my")
    keep(roles=[Role("tester", frozenset({user(ANN)}), (), (grant("*", bot="(?!my).*"),))])
    with pytest.raises(Forbidden):
        ask(f"bring-back-bot my.{settings().domain}")
    keep()
    back = ask(f"bring-back-bot my.{settings().domain}")
    carry_out()
    told = looking.show(chat(), back["id"])
    assert (told["job"]["state"], told["parts"][0]["bot"]) == ("succeeded", first["id"])
    assert ask("restart-bot my")["state"] == "queued"
    twice = ask("bring-back-bot my")
    assert (twice["state"], "not deleted" in twice["error"]) == ("failed", True)


def test_of_an_action_that_is_refused_nothing_is_done() -> None:
    owner()
    bot = poured(node="cellar-1")["id"]
    bots_jobs.submit("test", "bots.export", bot)
    claim_all()
    waits = bots_jobs.submit("test", "bots.restart", bot)["job"]
    refused = ask("delete-bot my")
    assert (refused["state"], "is being exported" in refused["error"]) == ("failed", True)
    assert state(waits) == "queued"


def test_a_bot_for_which_there_is_no_port_any_more_stays_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise Full("There is no port.")

    owner()
    bot = poured(node="cellar-1")["id"]
    ask("delete-bot my")
    carry_out()
    monkeypatch.setattr(bringing_back, "_port", full)
    assert ask("bring-back-bot my")["error"] == "There is no port."
    with pytest.raises(NotFound):
        bots.show(bot)
    monkeypatch.undo()
    assert ask("bring-back-bot my")["state"] == "queued"


def test_of_several_deleted_bots_of_a_name_the_last_comes_back() -> None:
    owner()
    both = []
    for _ in range(2):
        both.append(poured(node="cellar-1")["id"])
        ask("delete-bot my")
        carry_out()
    assert looking.show(chat(), ask("bring-back-bot my")["id"])["parts"][0]["bot"] == both[1]


def test_a_bot_elsewhere_or_on_a_node_that_is_not_granted_is_refused() -> None:
    owner()
    poured(node="cellar-3")
    domain = settings().domain
    with pytest.raises(Forbidden, match="on cellar-3"):
        ask("restart-bot my")
    keep(roles=[Role("tester", frozenset({user(ANN)}), (), (grant("*", where=""),))])
    with pytest.raises(NotFound, match="no bot"):
        ask("restart-bot my.another.place")
    with pytest.raises(NotFound, match="does not fit"):
        ask("restart-bot my -l environment=tests")
    ask(f"restart-bot my.{domain}")


def given_to(node: str, account: str | None, **columns: object) -> None:
    with database.transaction():
        nodes.change(node, account=account, **columns)


def test_an_accounts_own_node_is_meant_by_no_role() -> None:
    given_to("cellar-1", owner())
    assert nodes_of("say hi") == ["cellar-2"]
    for line in ("say hi -l node=cellar-1", "one on=cellar-1", "say hi -l 'node in (cellar-1)'"):
        with pytest.raises(NotFound, match=r"yours are cellar-2"):
            asking.read(chat(), line)
    with pytest.raises(NotFound):
        asking.wish(ROOT, "say", {"text": "hi"}, selectors.parse("node=cellar-1"))


def test_a_bot_on_an_accounts_own_node_is_for_who_may_do_that_on_its_page() -> None:
    account = owner()
    poured(node="cellar-1")
    given_to("cellar-1", account)
    with pytest.raises(Forbidden, match="a node of an account's own"):
        ask("restart-bot my")
    link(ANN, owner("ann@example.org"))
    with pytest.raises(Forbidden, match="a node of an account's own"):
        ask("restart-bot my")
    with database.transaction():
        chat_people.put("T01", ANN, account, 1.0)
    assert ask("restart-bot my")["state"] == "queued"
    with pytest.raises(NotFound, match="does not fit"):
        ask("restart-bot my -l environment=prd")
    with pytest.raises(Forbidden, match="No role names you"):
        ask("restart-bot my", ZOE)
    assert asking.wish(ROOT, "restart-bot", {"bot": "my"}).nodes == ("cellar-1",)


def test_an_operators_account_restarts_on_anybodys_node_and_invites_nobody_there() -> None:
    account = owner()
    poured(node="cellar-1")
    given_to("cellar-1", account)
    boss = operator("ann@example.org")
    link(ANN, boss)
    with pytest.raises(Forbidden, match="a node of an account's own"):
        ask("restart-bot my")
    has_second_factor(boss)
    assert ask("restart-bot my")["state"] == "queued"
    with pytest.raises(Forbidden, match="a node of an account's own"):
        ask("invite my")


def test_a_lost_node_is_no_target_and_its_bots_are_told_of() -> None:
    owner()
    poured(node="cellar-1")
    given_to("cellar-1", None, lost_at=1.0)
    assert nodes_of("say hi") == ["cellar-2"]
    with pytest.raises(NotFound):
        asking.read(chat(), "say hi -l node=cellar-1")
    with pytest.raises(Conflict, match="cellar-1 was declared lost"):
        ask("restart-bot my")


def test_an_argument_pattern_is_asked_of_the_bot_that_is_meant_however_it_was_written() -> None:
    owner()
    bot = poured(node="cellar-1")
    role = Role("tester", frozenset({user(ANN)}), (), (grant("restart-bot", bot="(?!my).*"),))
    keep(roles=[role])
    for written in ("my", "MY", f"my.{settings().domain}", bot["id"]):
        with pytest.raises(Forbidden, match="not with these arguments"):
            ask(f"restart-bot {written}")


def test_a_grant_counts_in_its_channels_alone() -> None:
    keep(roles=[Role("tester", frozenset({user(ANN)}), (), (grant("say", channels=("direct", "C07")),))])
    for fits in ("direct", "C07"):
        ask("say hi", channel=fits)
    for other in ("C01", "", "any"):
        with pytest.raises(Forbidden, match="in this place"):
            ask("say hi", channel=other)


def test_a_catalogue_that_could_never_be_read_says_so_and_allows_nothing(
    monkeypatch: pytest.MonkeyPatch, service: object, tmp_path: object
) -> None:
    from pillar_service.store.meeseeks import catalogues

    with database.transaction():
        catalogues.KeptCatalogue.delete().execute()
    monkeypatch.setenv("CELLAR_CATALOGUE", str(tmp_path))
    service()  # type: ignore[operator]
    catalogue._Looked.at = 0.0
    assert catalogue.current().catalogue.commands == {}
    assert "commands.yaml" in (catalogue.fault() or "")


def test_a_catalogue_that_another_version_kept_of_the_same_files_is_read_from_them_anew() -> None:
    from pillar_service.store.meeseeks import catalogues

    catalogue.reload("test")
    was = catalogue.current()
    with database.transaction():
        body = catalogues.find().body  # type: ignore[union-attr]
        catalogues.put(body.replace('"summary":', '"of_the_next_version":1,"summary":'), was.fingerprint, 1.0)
    catalogue._Looked.known, catalogue._Looked.stamp, catalogue._Looked.where = (
        catalogue.EMPTY,
        None,
        None,
    )  # a new process
    assert catalogue.current() == was
    assert claims.claim("salt")["runs"] == []
