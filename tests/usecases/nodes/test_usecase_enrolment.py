"""Tokens that let machines in, and what becomes of machines that bring one."""

import json
import threading

import pytest
from enrolling import ADDRESS, enrol, key, master_is_there
from eventful import told
from pouring import OWNER, bot, owner
from trails import trail

from pillar_service.core.errors import Conflict, Forbidden, Full, Invalid, NotFound, Unauthenticated, Unavailable
from pillar_service.core.nodes.enrolment import fingerprint
from pillar_service.core.nodes.facts import EVENT_TYPE as FACTS
from pillar_service.core.people import tokens as secrets
from pillar_service.core.people.limits import PER_ACCOUNT, Tried
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import enrolment as rows
from pillar_service.store.service import audit
from pillar_service.usecases.events import events
from pillar_service.usecases.nodes import enrolment, enrolment_tokens, facts, node_keys, nodes, pillars
from pillar_service.usecases.people import accounts, leaving
from pillar_service.usecases.service import storage

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def person(service) -> str:
    """Someone with an account, in a place where a master has told where it is."""
    master_is_there()
    return owner()


def aged(id: str, by_s: float) -> None:
    with database.transaction():
        row = rows.EnrolmentToken
        row.update(expires_at=row.expires_at - by_s).where(row.id == id).execute()


def actions(of: str) -> list[str]:
    return [str(row["action"]) for row in trail(of)]


def test_a_token_is_told_once_and_kept_as_a_hash(person):
    made = enrolment_tokens.create_for(person, labels={"environment": "prd"}, pattern="sh*")
    assert made["line"] == f"curl -fsS http://cellar.test/enrol.sh | sh -s -- {made['secret']}"
    assert made["hidden"] == f"curl -fsS http://cellar.test/enrol.sh | CELLAR_ENROL_TOKEN={made['secret']} sh"
    assert (made["uses"], made["state"], made["expires_at"] - made["created_at"]) == (1, "open", 3600)
    shown = str(enrolment_tokens.listed_of(person)) + str(enrolment_tokens.listed())
    kept = str(list(rows.EnrolmentToken.select().dicts())) + shown
    assert made["secret"] not in kept
    assert made["secret"] not in str([(row.detail, row.subject) for row in audit.about(f"agent:{person}")])
    assert actions(f"agent:{person}")[-1] == "nodes.token"


def test_a_machine_becomes_the_node_that_its_key_says(person):
    made = enrolment_tokens.create_for(person, labels={"environment": "prd"})
    told = enrol(made["secret"])
    node = f"shed.{person}"
    assert (told["node"], told["account"], told["service"]) == (node, person, "http://cellar.test")
    assert told["masters"] == [{"address": "salt.example.org", "port": 4506, "publish_port": 4505}]
    assert told["master_fingerprint"] == fingerprint(key(0).public)
    assert "pub_health" in told["configuration"]["saltcellar.conf"]
    [shown] = node_keys.listed_of(person)
    assert (shown["id"], shown["labels"], shown["account"]) == (node, {"environment": "prd"}, person)
    assert (shown["key"]["state"], shown["key"]["fingerprint"]) == ("accepted", fingerprint(key(1).public))
    assert node_keys.after(0)["keys"] == [{"node": node, "public_key": key(1).public, "state": "accepted"}]
    assert [job.command for job in jobs.listed(10, node=node)] == ["nodes.labels"], "it learns its labels"
    [row] = [row for row in audit.about(f"node:{node}") if row.action == "nodes.enrol"]
    assert row.actor == f"enrolment:{made['id']}"
    assert fingerprint(key(1).public) in row.detail
    assert ADDRESS in row.detail


def test_a_node_with_bots_that_has_another_key_seals_anew_what_it_goes_by(person):
    node = enrol(enrolment_tokens.create_for(person)["secret"])["node"]
    again = {"pattern": "shed", "replaces": True}
    enrol(enrolment_tokens.create_for(person, **again)["secret"], number=2)
    assert [job.command for job in jobs.listed(10, node=node)] == [], "there is nothing to go by"
    assert bot(node=node)["agent"]["node"] == node
    enrol(enrolment_tokens.create_for(person, **again)["secret"], number=3)
    [job] = [job for job in jobs.listed(10, node=node) if job.bot is None]
    assert (job.command, job.plan["function"], job.plan["arguments"]) == ("nodes.seal", "state.apply", ["pubs"])


def test_a_machine_with_another_disk_is_believed_though_it_numbers_from_below(person):
    node = enrol(enrolment_tokens.create_for(person)["secret"])["node"]
    for epoch, os in ((9, "Debian 11"), (8, "Debian 10")):
        events.take(node, [told(1, FACTS, node, epoch=epoch, stream="facts", data={"facts": {"os": os}})])
    assert facts.show(None, node)["facts"] == {"os": "Debian 11"}
    enrol(enrolment_tokens.create_for(person, replaces=True)["secret"], number=2)
    events.take(node, [told(1, FACTS, node, epoch=1, stream="facts", data={"facts": {"os": "Debian 12"}})])
    assert facts.show(None, node)["facts"] == {"os": "Debian 12"}


def test_who_asks_again_is_told_the_same_and_nothing_more_happens(person):
    made = enrolment_tokens.create_for(person)
    first, serial = enrol(made["secret"]), node_keys.after(0)["serial"]
    aged(made["id"], 7200)
    assert enrol(made["secret"]) == first
    assert (node_keys.after(0)["serial"], enrolment_tokens.listed_of(person)[0]["used"]) == (serial, 1)


@pytest.mark.parametrize("how", ["used", "expired", "revoked"])
def test_a_token_that_is_no_longer_good_is_refused_and_audited(person, how):
    made = enrolment_tokens.create_for(person)
    if how == "used":
        enrol(made["secret"], "first", 2)
    elif how == "expired":
        aged(made["id"], 3601)
    else:
        enrolment_tokens.revoke_of(person, made["id"])
    with pytest.raises(Unauthenticated):
        enrol(made["secret"])
    with pytest.raises(Unauthenticated):
        enrolment.look(made["secret"], ADDRESS)
    refused = [row for row in audit.about(f"enrolment:{made['id']}") if row.action == "nodes.enrol_refused"]
    assert len(refused) == 2
    assert "shed" in "".join(row.detail for row in refused)
    assert all(ADDRESS in row.detail for row in refused)
    assert f"shed.{person}" not in [node["id"] for node in nodes.listed()]


def test_what_is_no_token_is_refused_and_fills_no_audit(person):
    before = len(audit.after(0, 1000))
    for wrong in ("", "x", secrets.new_token(), "ü", "\ud800"):
        with pytest.raises(Unauthenticated):
            enrol(wrong)
    assert len(audit.after(0, 1000)) == before


def test_who_tries_a_dead_token_too_often_is_told_to_wait(person):
    made = enrolment_tokens.create_for(person)
    enrolment_tokens.revoke_of(person, made["id"])
    for _ in range(PER_ACCOUNT[Tried.ENROL]):
        with pytest.raises(Unauthenticated):
            enrol(made["secret"])
    with pytest.raises(Forbidden, match="Too many"):
        enrol(made["secret"])
    assert actions(f"enrolment:{made['id']}").count("nodes.enrol_refused") == PER_ACCOUNT[Tried.ENROL]


def test_a_token_for_one_lets_one_in_however_many_come_at_once(person):
    made = enrolment_tokens.create_for(person)
    came: list[object] = []

    def come(number: int) -> None:
        try:
            came.append(enrol(made["secret"], f"shed-{number}", number)["node"])
        except Unauthenticated as error:
            came.append(error)
        storage.release()

    machines = [threading.Thread(target=come, args=(number,)) for number in range(1, 5)]
    for number in range(1, 5):
        key(number)
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join()
    assert sum(isinstance(one, str) for one in came) == 1
    assert len(came) == 4
    assert len(node_keys.listed_of(person)) == 1


def test_another_key_for_a_node_that_is_there_needs_a_token_for_that(person):
    enrol(enrolment_tokens.create_for(person)["secret"])
    with pytest.raises(Conflict, match="another key"):
        enrol(enrolment_tokens.create_for(person)["secret"], number=2)
    told = enrol(enrolment_tokens.create_for(person, replaces=True)["secret"], number=2)
    [kept] = node_keys.after(0)["keys"]
    assert (kept["node"], kept["public_key"]) == (told["node"], key(2).public)


def test_the_name_of_another_accounts_node_is_another_node(person):
    other = owner("other@example.org")
    enrol(enrolment_tokens.create_for(person)["secret"])
    enrol(enrolment_tokens.create_for(other, replaces=True)["secret"], number=2)
    assert {one["node"]: one["public_key"] for one in node_keys.after(0)["keys"]} == {
        f"shed.{person}": key(1).public,
        f"shed.{other}": key(2).public,
    }
    assert [node["id"] for node in node_keys.listed_of(other)] == [f"shed.{other}"]


def test_operators_make_tokens_for_accounts_and_for_the_place_itself(person):
    told = enrol(enrolment_tokens.create("operator:ann", OWNER)["secret"])
    assert told["account"] == person
    assert enrol(enrolment_tokens.create("operator:ann")["secret"], "cellar-2", 2)["node"] == "cellar-2"
    with pytest.raises(NotFound):
        enrolment_tokens.create("operator:ann", "nobody@example.org")


def test_only_its_account_ends_a_token(person):
    made = enrolment_tokens.create_for(person)
    for id in (made["id"], "x", None):
        with pytest.raises(NotFound):
            enrolment_tokens.revoke_of(owner(f"{id}@example.org"), id)
    enrolment_tokens.revoke_of(person, made["id"])
    enrolment_tokens.revoke_of(person, made["id"])
    assert actions(f"enrolment:{made['id']}") == ["nodes.revoke_token"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"uses": 0}, {"uses": 1001}, {"uses": "many"}, {"life": 1}, {"life": "31d"}, {"life": "soon"}, {"pattern": ""},
        {"labels": {"node": "x"}}, {"labels": {"a b": "x"}}, {"labels": "x"}, {"replaces": "perhaps"},
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_token_is_said(person, wrong):
    with pytest.raises(Invalid):
        enrolment_tokens.create_for(person, **wrong)
    assert enrolment_tokens.listed_of(person) == []


@pytest.mark.parametrize(
    ("name", "pem", "machine"),
    [
        ("Shed", None, {}), ("shed", "x", {}), ("shed", "x" * 5000, {}), ("shed", None, {"hostname": "a\nb"}),
        ("shed", 7, {}), ("shed", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", {}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_machine_is_said_and_costs_no_use(person, name, pem, machine):
    made = enrolment_tokens.create_for(person)
    with pytest.raises(Invalid):
        enrolment.redeem(made["secret"], name, key(1).public if pem is None else pem, machine, ADDRESS)
    assert enrol(made["secret"])["node"]


def test_there_are_only_so_many_tokens_and_nodes(person, monkeypatch, service):
    monkeypatch.setattr(enrolment_tokens, "MOST_OPEN", 2)
    made = [enrolment_tokens.create_for(person, uses=5) for _ in range(2)]
    with pytest.raises(Conflict, match="revoke one"):
        enrolment_tokens.create_for(person)
    enrolment_tokens.create_for(owner("other@example.org"))
    monkeypatch.setenv("CELLAR_NODES_MOST", "1")
    service()
    enrol(made[0]["secret"])
    with pytest.raises(Conflict, match="the most it may have"):
        enrol(made[0]["secret"], "rack", 2)
    assert enrolment_tokens.listed_of(person)[1]["used"] + enrolment_tokens.listed_of(person)[0]["used"] == 1
    node_keys.revoke("test", f"shed.{person}")
    assert enrol(made[0]["secret"], "rack", 2)["node"], "one that is cut off does not count"
    with pytest.raises(Conflict, match="the most it may have"):
        enrol(made[0]["secret"], "shed", 3)  # Nor may it come back beside the others.


def test_without_a_master_nobody_is_let_in_and_no_use_is_lost(service):
    person = owner()
    made = enrolment_tokens.create_for(person)
    with pytest.raises(Unavailable, match="No master"):
        enrol(made["secret"])
    master_is_there()
    assert enrol(made["secret"])["node"]


def test_while_an_account_is_suspended_no_machine_comes_in(person):
    made = enrolment_tokens.create_for(person)
    accounts.set_state("test", person, "suspended")
    with pytest.raises(Forbidden):
        enrol(made["secret"])
    with pytest.raises(Forbidden):
        enrolment_tokens.create_for(person)
    accounts.set_state("test", person, "active")
    assert enrol(made["secret"])["node"]


def test_a_node_at_a_customers_site_gets_no_strangers_bot_and_no_catalogue(person):
    enrol(enrolment_tokens.create_for(person)["secret"])
    node, stranger = f"shed.{person}", "stranger@example.org"
    owner(stranger)
    for _ in range(3):
        assert bot(f"b{_}", stranger)["agent"]["node"] == "cellar-1"
    told = json.loads(pillars.ready(node)[0])["saltcellar"]
    assert (told["bots"], told["meeseeks"]["commands"]) == ({}, {})
    assert json.loads(pillars.ready("cellar-1")[0])["saltcellar"]["meeseeks"]["commands"]
    for number in range(17):
        bot(f"c{number}", stranger)
    with pytest.raises(Full):
        bot("one-more", stranger)


def test_it_is_known_whether_a_node_answers(person):
    made = enrolment_tokens.create_for(person)
    with pytest.raises(NotFound):
        enrolment.state(made["secret"], "shed")
    enrol(made["secret"])
    assert enrolment.state(made["secret"], "shed") == {"node": f"shed.{person}", "answers": False}
    with database.transaction():
        from pillar_service.store.nodes import nodes as node_rows

        node_rows.change(f"shed.{person}", last_seen=4e9)
    assert enrolment.state(made["secret"], "shed")["answers"] is True


def test_who_leaves_takes_nodes_and_tokens_along(person):
    open_one = enrolment_tokens.create_for(person)
    enrol(enrolment_tokens.create_for(person)["secret"])
    assert leaving.data(person)["nodes"][0]["id"] == f"shed.{person}"
    assert len(leaving.data(person)["enrolment_tokens"]) == 2
    leaving.delete(person, OWNER, "long enough 1", None)
    assert [one["state"] for one in node_keys.after(0)["keys"]] == ["revoked"]
    with pytest.raises(Unauthenticated):
        enrol(open_one["secret"], "another", 2)


def test_the_minions_configuration_must_be_there(person, monkeypatch, service, tmp_path):
    (tmp_path / "bad.conf").mkdir()
    monkeypatch.setenv("CELLAR_MINION_D", str(tmp_path))
    service()
    assert settings().minion_d == tmp_path
    with pytest.raises(Unavailable, match="CELLAR_MINION_D"):
        enrol(enrolment_tokens.create_for(person)["secret"])
