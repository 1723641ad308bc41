"""Queries about lost nodes: what may be left there, what must be cleared up, a bot's tars.

Moves also survive the migration that made room for them.
"""

import importlib
from collections.abc import Callable

import pytest

from pillar_service.core import names
from pillar_service.core.people.agents import Actual, AgentType
from pillar_service.store import database
from pillar_service.store.bots import bots, moves, transfers
from pillar_service.store.database import db, transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import nodes
from pillar_service.store.people import agents

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture(autouse=True)
def two_nodes(service: Callable[[], None]) -> None:
    with transaction():
        for node in ("a", "b"):
            if nodes.find(node) is None:
                nodes.add(node, 1, 20000, 20009)


def bot(name: str, node: str = "b", actual: Actual = Actual.ALIVE) -> str:
    id = names.new_id()
    with transaction():
        agents.add(id, AgentType.BOT, name, "", 1.0)
        columns = {"service": "pub", "image": "x", "memory_mb": 64, "desired": "running", "detail": "Its node is lost."}
        bots.add(id, node=node, port=None, actual=str(actual), **columns)
    return id


def move(of: str, state: str, source: str = "a") -> None:
    columns = {"target": "b", "job": "", "actor": "test", "started_at": 1.0, "changed_at": 1.0}
    with transaction():
        moves.add(id=names.new_id(), bot=of, source=source, state=state, **columns)


def test_what_may_be_left_of_a_bot_and_where() -> None:
    one = bot("one")
    for state in ("left", "done", "back"):
        move(one, state)
    move(one, "clearing", "c")
    assert moves.left_by(one) == {"a", "c"}
    assert [row.state for row in moves.behind("a")] == ["left"]
    assert moves.states() == {one: "clearing"}, "what is left at a lost node is under way no more"


def test_what_is_to_be_cleared_up_is_at_nodes_that_are_there_of_bots_that_have_arrived() -> None:
    here, going = bot("here"), bot("going")
    move(here, "left")
    move(going, "left")
    move(going, "arriving", "b")
    assert [row.bot for row in moves.to_clear()] == [here]
    for away in ({"lost_at": 1.0}, {"lost_at": None, "key_state": "revoked"}):
        with transaction():
            nodes.change("a", **away)
        assert moves.to_clear() == []


def test_only_the_lost_bots_of_a_node_that_is_found_again_say_nothing_more() -> None:
    lost, sick, elsewhere = (
        bot("lost", actual=Actual.LOST),
        bot("sick", actual=Actual.SICK),
        bot("else", "a", Actual.LOST),
    )
    with transaction():
        bots.found_again("b")
    assert [bots.with_ids([id])[id].detail for id in (lost, sick, elsewhere)] == [
        "",
        "Its node is lost.",
        "Its node is lost.",
    ]


def test_a_bots_tars_are_those_of_its_jobs_the_newest_first() -> None:
    mine, other = bot("mine"), bot("other")
    with transaction():
        for number, (of, at) in enumerate(((mine, 1.0), (mine, 3.0), (other, 4.0), (mine, 2.0))):
            told = {"arguments": {}, "actor": "test", "fingerprint": "", "created_at": at, "not_before": at}
            job = jobs.add(id=names.new_id(), command="bots.export", bot=of, node="b", **told)
            kept = {"kind": "export", "pub_id": "@x", "sequence": number, "size": 1, "sha256": "0"}
            transfers.add(id=f"{number:016}", job=job.id, created_at=at, **kept)
        transfers.add(id="f" * 16, job=None, created_at=9.0, **kept)
    assert [row.sequence for row in transfers.of_bot(mine)] == [1, 3, 0]


def test_moves_survive_the_migration() -> None:
    step = importlib.import_module("pillar_service.store.migrations.0027_lost")
    one = bot("one")
    move(one, "arriving")
    with transaction():
        db.execute_sql("ALTER TABLE node DROP COLUMN lost_at")
        step.up(None, database.db)
    [kept] = moves.open_everywhere()
    assert (kept.bot, kept.source, kept.state) == (one, "a", "arriving")
