"""Lost nodes: who may declare them lost, what follows, and what a node finds that comes back all the same."""

import time

import pytest
from accounts_with_nodes import account, own
from days import ahead
from enrolling import enrol, key, master_is_there
from lost_nodes import arrive, exported, is_nowhere_twice, lost, states, three_nodes
from pouring import answer, bot, carry_out, event, poured, report, states_of, told

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, NotFound, SaltcellarError
from pillar_service.core.nodes.losing import HEARD_WITHIN_S
from pillar_service.store import database
from pillar_service.store.bots import moves as move_rows
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.store.service import audit
from pillar_service.usecases.bots import bots, bringing_back, health, moves, restoring
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import draining, enrolment_tokens, losing, node_keys, node_terms, nodes, presence

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture(autouse=True)
def places(service: object) -> None:
    three_nodes()


def test_a_lost_nodes_key_is_revoked_and_its_bots_say_what_to_do() -> None:
    id = poured()["id"]
    node = losing.declare("test", "cellar-1")
    assert (node["key"]["state"], node["lost_at"] is not None) == ("revoked", True)
    shown = bots.show(id)
    assert (shown["actual"], "restore the bot on another node" in shown["detail"]) == ("lost", True)
    assert losing.declare("test", "cellar-1") == node, "said again it changes nothing"
    assert [row.action for row in audit.about("node:cellar-1")].count("nodes.lost") == 1
    assert "bots.lost" in [row.action for row in audit.about(f"agent:{id}")]


def test_a_node_that_was_heard_of_just_now_is_not_lost_unless_somebody_says_so() -> None:
    id = poured()["id"]
    health.take("cellar-1", [event(report(id))])
    with pytest.raises(Conflict, match="seems to be alive"):
        losing.declare("test", "cellar-1")
    assert losing.show("cellar-1")["seems_to_live"] is True
    assert nodes.described(nodes.found("cellar-1"))["key"]["state"] == "accepted", "and nothing was revoked"
    assert losing.declare("test", "cellar-1", anyway=True)["lost_at"] is not None


def test_a_node_that_was_heard_of_while_the_clock_was_ahead_is_soon_one_that_can_be_lost() -> None:
    id = poured()["id"]
    with ahead(365 * DAY_S):
        presence.listening(time.time())
        health.take("cellar-1", [event(report(id))])
    presence.listening(time.time())
    with ahead(HEARD_WITHIN_S + 5):
        assert losing.show("cellar-1")["seems_to_live"] is False
        assert losing.declare("test", "cellar-1")["lost_at"] is not None


def test_a_node_whose_key_is_not_known_can_not_be_kept_out() -> None:
    nodes.add("test", "old")
    with pytest.raises(Conflict, match="node-key old"):
        losing.declare("test", "old")
    with pytest.raises(NotFound):
        losing.declare("test", "nowhere")


def test_only_who_may_declares_a_node_lost() -> None:
    ann, bob = account("ann"), account("bob")
    own("shed", ann)
    nodes.set_key("test", "shed", key(1).public)
    for id in ("shed", "cellar-1"):
        with pytest.raises(NotFound):
            losing.declare_of(bob, id)
        with pytest.raises(NotFound):
            losing.show_of(bob, id)
    assert losing.declare_of(ann, "shed")["lost_at"] is not None


def test_a_node_that_comes_back_finds_tombstones_and_the_bots_that_were_not_restored() -> None:
    id = str(poured()["id"])
    stays = str(poured("stays")["id"])
    exported(id)
    node_terms.limit("test", "cellar-2", None)
    losing.declare("test", "cellar-1")
    restoring.restore("test", "my")
    nodes.set_key("test", "cellar-1", key(2).public)
    assert (states("cellar-1"), is_nowhere_twice()) == ({id: "absent", stays: "running"}, True)
    assert bots.show("stays")["detail"] == ""
    first = {job["command"] for job in jobs.listed(node="cellar-1", state="queued")}
    assert first == {"nodes.return"}, "it lets go what it has at once, before the bot lives elsewhere"
    assert told("cellar-1")[id]["purge"] is False
    for _ in range(3):
        for run in claims.claim("salt")["runs"]:
            runs.started("salt", run["id"], f"jid-{run['id']}")
            answer(run, states_of(run["node"]))
        moves.go_on()
        assert is_nowhere_twice()
    assert states("cellar-1") == {stays: "running"}
    assert bots.show("my")["node"] == "cellar-2"
    assert [one.state for one in move_rows.from_node("cellar-1", 0.0)] == ["done"]


def test_a_node_that_comes_back_with_a_token_applies_its_states_once() -> None:
    poured("stays")
    lost()
    restoring.restore("test", "my")
    master_is_there()
    token = enrolment_tokens.create("test", pattern="cellar-1", replaces=True)
    enrol(token["secret"], "cellar-1", 2)
    asked = [job["command"] for job in jobs.listed(node="cellar-1", state="queued") if job["bot"] is None]
    assert asked == ["nodes.return"], "its run seals with the new key, too"


def test_a_node_that_comes_back_long_after_clears_up() -> None:
    id = lost()
    restoring.restore("test", "my")
    arrive()
    assert [one.state for one in move_rows.from_node("cellar-1", 0.0)] == ["left"]
    assert moves.go_on() == 0
    nodes.set_key("test", "cellar-1", key(2).public)
    assert moves.go_on() == 1
    assert told("cellar-1")[id]["purge"] is True
    for _ in range(2):  # A node applies states once at a time.
        carry_out(node="cellar-1")
        moves.go_on()
    assert states("cellar-1") == {}


def test_a_bot_whose_second_node_is_lost_too_goes_to_a_third_and_never_back() -> None:
    id = lost()
    restoring.restore("test", "my")
    nodes.set_key("test", "cellar-1", key(2).public)
    with database.transaction():
        job_rows.Job.update(state="failed", error="It went.").where(job_rows.Job.command == "bots.import").execute()
    losing.declare("test", "cellar-2")
    with pytest.raises(SaltcellarError, match=r"No node|takes no"):
        restoring.restore("test", "my")
    node_terms.limit("test", "cellar-3", None)
    assert restoring.restore("test", "my")["agent"]["node"] == "cellar-3"
    assert [states(node)[id] for node in ("cellar-1", "cellar-2", "cellar-3")] == ["absent", "absent", "running"]
    assert told("cellar-1")[id]["purge"] is False, "nobody knows yet whether it lives at the third"


def test_a_lost_node_is_not_drained() -> None:
    lost()
    draining.drain("test", "cellar-1")
    assert draining.go_on() == 0
    assert "restore the bot instead" in draining.show("cellar-1")["left"]["my"]


def test_a_bot_of_a_lost_node_is_deleted_at_once_and_its_name_is_free() -> None:
    id = lost()
    made = bots.delete("test", "my", purge=False)
    assert (made["job"]["state"], made["agent"]["actual"]) == ("succeeded", "gone")
    assert not claims.is_claimable("salt"), "nobody can tell the node"
    with pytest.raises(NotFound):
        bots.show("my")
    with pytest.raises(Conflict, match="time is over"):
        bringing_back.bring_back("test", id)
    assert bot("my", node="cellar-2")["agent"]["id"] != id
    node_keys.forget("test", "cellar-1")


@pytest.mark.parametrize("days", [0, 7])
def test_a_bot_that_was_being_deleted_as_its_node_was_lost_is_gone_once_its_time_has_come(days: int) -> None:
    poured()
    asked = bots.delete("test", "my", purge=days == 0)
    losing.declare("test", "cellar-1")
    assert bringing_back.purge_due("test", time.time() + days * DAY_S) == [], "its job may still be carried out"
    jobs.cancel("test", asked["job"]["id"])
    assert bringing_back.purge_due("test", time.time() + (days - 0.5) * DAY_S) == []
    assert bots.show("my")["desired"] == "absent"
    assert bringing_back.purge_due("test", time.time() + days * DAY_S + 60) == []
    node_terms.limit("test", "cellar-2", None)
    assert bot("my", node="cellar-2")
    node_keys.forget("test", "cellar-1")


def test_what_a_lost_node_has_of_a_bot_that_was_deleted_meanwhile_goes_when_it_is_back() -> None:
    id = lost()
    bots.delete("test", "my", purge=True)
    bots.delete("test", id, purge=True)  # Asking again changes nothing.
    nodes.set_key("test", "cellar-1", key(2).public)
    assert states("cellar-1") == {id: "absent"}, "it is stopped before it could run again"
    for _ in range(3):
        carry_out(node="cellar-1")
        moves.go_on()
    assert (states("cellar-1"), [one.state for one in move_rows.from_node("cellar-1", 0.0)]) == ({}, ["done"])


def test_the_data_of_a_deleted_bot_whose_node_is_lost_is_let_go_without_it() -> None:
    poured()
    bots.delete("test", "my", purge=False)
    carry_out(node="cellar-1")
    losing.declare("test", "cellar-1")
    assert bringing_back.purge_due("test", time.time() + 30 * DAY_S) == []
    assert bringing_back.purge_due("test", time.time() + 30 * DAY_S) == []
    assert not claims.is_claimable("salt")
