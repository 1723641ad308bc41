"""Commands for bots: each is a job of the bot, on a node that may belong to its account."""

import pytest
from chatting import (
    ANN,
    ZOE,
    ask,
    chat,
    claim_all,
    grant,
    keep,
    link,
    nodes_of,
    state,
    user,
)
from pouring import carry_out, has_second_factor, operator, owner, poured

from pillar_service.core.errors import Conflict, Forbidden, Full, NotFound
from pillar_service.core.meeseeks.roles import Role
from pillar_service.core.nodes import selectors
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.chat import chat_people
from pillar_service.store.nodes import nodes
from pillar_service.usecases.bots import bots, bringing_back
from pillar_service.usecases.jobs import jobs as bots_jobs
from pillar_service.usecases.meeseeks import asking, looking
from pillar_service.usecases.meeseeks.asker import Asker

pytestmark = pytest.mark.usefixtures("service", "_scene")
ROOT = Asker("operator:root")


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
    with pytest.raises(Forbidden, match="which belongs to an account"):
        ask("restart-bot my")
    link(ANN, owner("ann@example.org"))
    with pytest.raises(Forbidden, match="which belongs to an account"):
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
    with pytest.raises(Forbidden, match="which belongs to an account"):
        ask("restart-bot my")
    has_second_factor(boss)
    assert ask("restart-bot my")["state"] == "queued"
    with pytest.raises(Forbidden, match="which belongs to an account"):
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
