"""Nodes' keys: revoked, replaced, released; and what a node's token is good for afterwards."""

import json

import pytest
from enrolling import enrol, key, master_is_there, turned
from pouring import bot, has_second_factor, operator, owner
from trails import trail

from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from pillar_service.core.nodes.enrolment import KeyAct, fingerprint, statement
from pillar_service.store import database
from pillar_service.store.bots import bots as bot_rows
from pillar_service.usecases.bots import bots
from pillar_service.usecases.nodes import enrolment_tokens, node_keys, node_terms, nodes, pillars
from pillar_service.usecases.people import accounts

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def person(service) -> str:
    """Someone whose node `shed` is enrolled with key 1."""
    master_is_there()
    id = owner()
    enrol(enrolment_tokens.create_for(id)["secret"])
    return id


def door_token(node: str) -> str:
    """The token in a node's pillar."""
    return str(json.loads(pillars.ready(node)[0])["saltcellar"]["service"]["token"])


def test_who_is_cut_off_is_known_to_masters_and_the_door_at_once(person):
    node, serial = f"shed.{person}", node_keys.after(0)["serial"]
    token = door_token(node)
    assert nodes.authenticated(token) == node
    assert not node_keys.has_news(serial)
    assert node_keys.revoke_of(person, node)["key"]["state"] == "revoked"
    assert node_keys.has_news(serial)
    told = node_keys.after(serial)
    assert [(one["node"], one["state"]) for one in told["keys"]] == [(node, "revoked")]
    for one in (token, door_token(node)):
        with pytest.raises(Unauthenticated):
            nodes.authenticated(one)
    node_keys.revoke_of(person, node)
    assert not node_keys.has_news(told["serial"]), "twice is once"


def test_with_another_key_the_token_of_the_one_before_is_good_for_nothing(person):
    node = f"shed.{person}"
    old = door_token(node)
    node_keys.revoke("test", node)
    enrol(enrolment_tokens.create_for(person)["secret"], number=2)
    assert nodes.authenticated(door_token(node)) == node
    with pytest.raises(Unauthenticated):
        nodes.authenticated(old)


def test_nobody_else_sees_or_touches_a_node(person):
    node, other = f"shed.{person}", owner("other@example.org")
    boss = operator()
    for act in (node_keys.revoke_of, node_keys.rotate_of):
        with pytest.raises(NotFound, match="no node"):
            act(other, node)
        with pytest.raises(NotFound, match="no node"):
            act(person, "cellar-1")
        with pytest.raises(NotFound, match="no node"):
            act(person, "\ud800")
    assert node_keys.listed_of(other) == []
    with pytest.raises(NotFound, match="no node"):
        node_keys.revoke_of(boss, node)
    node_keys.revoke_of(has_second_factor(boss), node)


def test_who_is_suspended_can_still_cut_a_node_off(person):
    accounts.set_state("test", person, "suspended")
    with pytest.raises(Forbidden, match="suspended"):
        node_keys.rotate_of(person, f"shed.{person}")
    node_keys.revoke_of(person, f"shed.{person}")


def test_a_node_gives_itself_another_key_signed_with_the_one_it_has(person):
    node = f"shed.{person}"
    job = node_keys.rotate_of(person, node)
    assert (job["command"], job["node"]) == ("nodes.rotate", node)
    told = turned(node, 1, 2)
    assert node_keys.turn(*told)["fingerprint"] == fingerprint(key(2).public)
    serial = node_keys.after(0)["serial"]
    assert node_keys.turn(*told)["node"] == node, "the first answer may have been lost"
    assert node_keys.after(0)["serial"] == serial
    [one] = node_keys.after(0)["keys"]
    assert (one["public_key"], one["state"]) == (key(2).public, "accepted")
    assert [row["action"] for row in trail(f"node:{node}")][-1] == "nodes.rotate"


def test_what_was_not_signed_with_the_nodes_key_changes_nothing(person):
    node = f"shed.{person}"
    good = turned(node, 1, 2)
    by_another = turned(node, 3, 2)
    for wrong in (
        by_another,
        (node, good[1], by_another[2], good[3]),
        (node, good[1], good[2], turned(node, 1, 3)[3]),
        (node, good[1], good[2], ""),
        (node, good[1], None, good[3]),
        (node, good[1], "no base64!", good[3]),
        turned("shed.0000000000000000", 1, 2),
        ("cellar-1", *good[1:]),
        ("\ud800", *good[1:]),
        (None, *good[1:]),
    ):
        with pytest.raises(Unauthenticated):
            node_keys.turn(*wrong)
    with pytest.raises(Invalid):
        node_keys.turn(node, "x", good[2], good[3])
    assert node_keys.after(0)["keys"][0]["public_key"] == key(1).public


def test_what_was_said_once_is_good_for_nothing_later(person):
    node = f"shed.{person}"
    node_keys.turn(*turned(node, 1, 2))
    node_keys.turn(*turned(node, 2, 1))
    node_keys.turn(*turned(node, 1, 3))
    with pytest.raises(Unauthenticated):
        node_keys.turn(*turned(node, 1, 2))
    node_keys.revoke("test", node)
    with pytest.raises(Forbidden, match="revoked"):
        node_keys.turn(*turned(node, 3, 1))


def test_a_node_goes_by_itself(person):
    node = f"shed.{person}"
    with pytest.raises(Unauthenticated):
        node_keys.leave(node, key(2).sign(statement(KeyAct.LEAVE, node, key(1).public)))
    node_keys.leave(node, key(1).sign(statement(KeyAct.LEAVE, node, key(1).public)))
    assert node_keys.listed_of(person)[0]["key"]["state"] == "revoked"


def test_a_key_that_a_master_has_by_other_means_is_said(service):
    told = nodes.set_key("test", "cellar-1", key(5).public + "\n")
    assert told["key"]["state"] == "accepted"
    serial = node_keys.after(0)["serial"]
    nodes.set_key("test", "cellar-1", key(5).public)
    assert node_keys.after(0)["serial"] == serial
    with pytest.raises(Conflict, match="not enrolled"):
        node_keys.rotate("test", "cellar-1")
    with pytest.raises(NotFound):
        nodes.set_key("test", "cellar-9", key(5).public)
    with pytest.raises(Invalid) as refused:
        nodes.set_key("test", "cellar-1", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN")
    assert "PRIVATE" not in refused.value.sentence


def test_a_node_whose_key_is_not_known_here_is_its_masters_affair(service):
    with pytest.raises(Conflict, match="salt-key"):
        node_keys.revoke("test", "cellar-1")
    assert node_keys.after(0) == {"serial": 0, "keys": []}


def test_a_node_that_is_cut_off_is_forgotten_and_may_come_back(person):
    node, boss = f"shed.{person}", owner("other@example.org")
    with pytest.raises(Conflict, match="revoke its key first"):
        node_keys.forget_of(person, node)
    there = bot(node=node)["agent"]["id"]
    serial = node_keys.revoke_of(person, node) and node_keys.after(0)["serial"]
    with pytest.raises(Conflict, match=r"There are bots on .* \(1, "):
        node_keys.forget_of(person, node)
    with pytest.raises(NotFound):
        node_keys.forget_of(boss, node)
    bots.delete("test", there, purge=True)
    with database.transaction():
        bot_rows.change(there, port=None)
    assert node_keys.forget_of(person, node)["id"] == node
    assert node_keys.listed_of(person) == []
    assert node not in [one["id"] for one in nodes.listed()]
    assert pillars.ready(node) is None
    assert [row["action"] for row in trail(f"node:{node}")][-1] == "nodes.forget"
    for act in (node_keys.forget_of, node_keys.revoke_of):
        with pytest.raises(NotFound):
            act(person, node)
    assert [one["state"] for one in node_keys.after(0)["keys"] if one["node"] == node] == ["revoked"], "masters know it"
    with pytest.raises(Forbidden, match="revoked for good"):
        enrol(enrolment_tokens.create_for(person)["secret"])
    assert enrol(enrolment_tokens.create_for(person)["secret"], number=2)["node"] == node
    [back] = node_keys.listed_of(person)
    assert (back["key"]["state"], node_keys.after(0)["serial"] > serial) == ("accepted", True)
    assert nodes.authenticated(door_token(node)) == node


def test_what_comes_back_takes_no_bots_but_its_own_accounts(person):
    node = f"shed.{person}"
    node_terms.share("test", node, "all")
    node_keys.revoke("test", node)
    node_keys.forget("test", node)
    enrol(enrolment_tokens.create_for(person)["secret"], number=2)
    assert nodes.found(node).sharing == "own"
