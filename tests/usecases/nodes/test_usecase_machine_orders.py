"""Ordering and making machines with libcloud's real driver at a fake of Scaleway's API, with all that can go wrong."""

import logging
import time
from typing import Any

import pytest
from enrolling import enrol
from fake_scaleway import ORGANIZATION, SECRET, Refused
from ordering import booted, enrolled, go, only, order, shown, token
from pouring import owner

from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from pillar_service.core.nodes import machine_orders as rules
from pillar_service.settings import settings
from pillar_service.store.nodes.enrolment import EnrolmentToken
from pillar_service.store.nodes.machine_orders import MachineOrder
from pillar_service.store.service import audit
from pillar_service.usecases.nodes import building, enrolment_tokens, machine_orders, node_keys, nodes


def test_a_machine_is_made_with_its_volume_and_becomes_the_accounts_node(cloud):
    person = owner()
    id = booted(cloud, account=person, labels={"environment": "prd"})
    tag, server = f"saltcellar-{id}", only(cloud.servers)
    assert (server["name"], server["tags"], server["state"]) == (tag, ["saltcellar"], "starting")
    assert [one["name"] for one in cloud.volumes.values() if one["_kind"] == "more"] == [tag]
    assert {one["server"] for one in cloud.volumes.values()} == {server["id"]}
    assert cloud.asked.index(f"PATCH servers/{server['id']}/user_data/cloud-init") < cloud.asked.index(
        f"POST servers/{server['id']}/action"
    )
    enrol(token(cloud), "rack-1")
    go(rules.LOOK_S + 1)
    told = shown(id)
    assert (told["state"], told["node"], told["machine"]) == ("enrolled", f"rack-1.{person}", server["id"])
    [node] = node_keys.listed_of(person)
    assert (node["id"], node["labels"], node["key"]["state"]) == (told["node"], {"environment": "prd"}, "accepted")
    assert cloud.asked.count("POST servers") == cloud.asked.count("POST volumes") == 1


def test_the_token_is_good_for_this_one_machine(cloud):
    booted(cloud)
    with pytest.raises(Forbidden):
        enrol(token(cloud), "rack-2")
    enrol(token(cloud), "rack-1")
    assert EnrolmentToken.get().labels == {}
    assert (EnrolmentToken.get().uses, EnrolmentToken.get().used) == (1, 1)


def test_the_same_order_twice_is_one(cloud):
    first = order(key="k")
    assert order(key="k") == first
    with pytest.raises(Conflict, match=f"is already ordered \\({first}, asked\\)"):
        order(key="other")
    with pytest.raises(Conflict, match="used for another machine"):
        machine_orders.create("operator:ann", "rack-2", key="k")
    with pytest.raises(Conflict, match="There is already a node cellar-1"):
        machine_orders.create("test", "cellar-1")
    with pytest.raises(Invalid):
        machine_orders.create("test", "Rack 1")


def test_an_account_orders_no_more_than_it_may_have(cloud, service, monkeypatch):
    monkeypatch.setenv("CELLAR_NODES_MOST", "1")
    service()
    person = owner()
    order(account=person)
    with pytest.raises(Conflict, match="1 nodes, the most it may have"):
        machine_orders.create("test", "rack-2", person)


def test_without_a_provider_nothing_is_ordered(service):
    with pytest.raises(Invalid, match="set CELLAR_CLOUD"):
        order()


# --- what goes wrong while it is being made ---------------------------------------------------------------------------


def test_a_wrong_key_is_told_without_it_and_mended(cloud, caplog):
    caplog.set_level(logging.DEBUG)
    cloud.key = "another"
    id = order()
    go()
    assert shown(id)["state"] == "failed"
    assert "correct CELLAR_CLOUD_KEY and CELLAR_CLOUD_SECRET" in shown(id)["fault"]
    cloud.key = SECRET
    machine_orders.finish("operator:ann", id)
    go(rules.SETTLE_S + 5)
    assert shown(id)["state"] == "booting"
    told = caplog.text + str([(row.detail, row.actor) for row in audit.about(f"machine:{id}")]) + str(shown(id))
    kept = str(list(MachineOrder.select().dicts()))
    assert SECRET not in told + kept  # The fake's answer contained it.
    assert ORGANIZATION not in told + kept
    assert token(cloud) not in told + kept


def test_too_many_questions_wait_for_as_long_as_was_said(cloud):
    def too_often(what: str) -> None:
        raise Refused(429, "slow down", Retry_After="120")

    cloud.before = too_often
    id = order()
    go()
    asked = len(cloud.asked)
    go(100)
    assert (shown(id)["state"], len(cloud.asked)) == ("asked", asked)
    assert "too often" in shown(id)["fault"]
    cloud.before = lambda _: None
    go(125)
    assert (shown(id)["state"], shown(id)["fault"]) == ("booting", None)


@pytest.mark.parametrize(
    "where", ["GET servers", "POST servers", "POST volumes", "PATCH servers/", "user_data", "action"]
)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("how", [Refused(500, "oops"), ConnectionAbortedError()], ids=["500", "no answer"])
def test_whatever_breaks_off_in_the_middle_is_gone_on_with_and_nothing_is_made_twice(cloud, where, when, how):
    left = [how]

    def fail(what: str) -> None:
        if (what == where or (where[-1] in "/an" and where in what)) and left:
            raise left.pop()

    setattr(cloud, when, fail)
    id = order()
    go()
    assert not left
    assert shown(id)["state"] != "failed"
    for at in (10, rules.SETTLE_S + 5, rules.SETTLE_S + 10):
        go(at)
    assert shown(id)["state"] == "booting"
    assert only(cloud.servers)["state"] in ("starting", "running")
    assert len([one for one in cloud.volumes.values() if one["_kind"] == "more"]) == 1
    enrol(token(cloud), "rack-1")
    go(rules.SETTLE_S + 30)
    assert shown(id)["state"] == "enrolled"


def test_a_worker_that_dies_after_the_providers_answer_leaves_a_machine_that_is_found_by_its_tag(cloud, monkeypatch):
    class Killed(BaseException):
        pass

    def dies(*_: Any) -> None:
        raise Killed

    id = order()
    with monkeypatch.context() as patch:
        patch.setattr("pillar_service.clouds.scaleway.Scaleway.start", dies)
        with pytest.raises(Killed):
            building.step()
    assert (shown(id)["state"], shown(id)["machine"]) == ("making", None)
    made = only(cloud.servers)["id"]
    assert not building.step(time.time() + rules.CLAIMED_S - 5)  # Whoever claimed it may still be alive.
    go(rules.CLAIMED_S + 1)
    assert (shown(id)["state"], shown(id)["machine"]) == ("booting", made)
    assert cloud.asked.count("POST servers") == 1


def test_a_machine_that_got_another_key_by_another_token_is_still_the_one_that_is_cut_off(cloud):
    id = enrolled(cloud)
    made = enrolment_tokens.create("test", pattern="rack-1", replaces=True)
    enrol(made["secret"], "rack-1", 2)
    machine_orders.retire("test", id)
    assert next(one for one in nodes.listed() if one["id"] == "rack-1")["key"]["state"] == "revoked"


def test_while_an_unanswered_machine_may_still_turn_up_no_other_is_made(cloud):
    id = order()
    cloud.before = lambda what: (_ for _ in ()).throw(ConnectionAbortedError()) if what == "POST servers" else None
    go()
    cloud.before = lambda _: None
    go(rules.SETTLE_S - 10)
    assert (shown(id)["state"], cloud.servers) == ("making", {})
    go(rules.SETTLE_S + 5)
    assert shown(id)["state"] == "booting"


def test_a_provider_that_never_answers_is_given_up_and_leaves_nothing_unsaid(cloud):
    cloud.before = lambda what: (_ for _ in ()).throw(Refused(503, "away"))
    id = order()
    at = 0.0
    for _ in range(rules.TRIES):
        at = go(at) + rules.LONGEST_PAUSE_S
    assert shown(id)["state"] == "failed"
    assert "answered 503" in shown(id)["fault"]


def test_a_full_quota_says_so_and_is_finished_when_there_is_room(cloud):
    cloud.quota = 0
    id = order()
    go()
    assert (shown(id)["state"], "no more room" in shown(id)["fault"]) == ("failed", True)
    with pytest.raises(Conflict):
        order()
    cloud.quota = 1
    machine_orders.finish("test", id)
    go(rules.SETTLE_S + 5)
    assert shown(id)["state"] == "booting"
    with pytest.raises(Conflict, match="only a failed order"):
        machine_orders.finish("test", id)


@pytest.mark.parametrize(("name", "value"), [("SIZE", "HUGE-1"), ("IMAGE", "none"), ("ZONE", "nl-ams-9")])
def test_what_the_provider_does_not_have_fails_with_a_sentence(cloud, service, monkeypatch, name, value):
    monkeypatch.setenv(f"CELLAR_CLOUD_{name}", value)
    service()
    id = order()
    go()
    assert shown(id)["state"] == "failed"
    assert cloud.servers == {}
    machine_orders.retire("test", id)


def test_a_slow_boot_is_waited_for_and_one_that_is_too_slow_never_gets_in(cloud):
    id = booted(cloud)
    go(1790)
    assert shown(id)["state"] == "booting"
    go(1810)
    assert (shown(id)["state"], "did not enrol within 1800 s" in shown(id)["fault"]) == ("failed", True)
    with pytest.raises(Unauthenticated):
        enrol(token(cloud), "rack-1")
    [listed] = machine_orders.listed()
    assert listed["machine"] == only(cloud.servers)["id"]
    first, old = listed["machine"], token(cloud)
    machine_orders.finish("test", id)
    go(1820)
    go(1900)
    go(1950)
    cloud.user_data.pop(first)
    assert shown(id)["state"] == "booting"
    assert only(cloud.servers)["id"] != first
    assert token(cloud) != old


def test_what_was_begun_while_the_clock_was_a_month_ahead_is_made_or_given_up(cloud, service, monkeypatch):
    id = order()
    ahead = time.time() + 30 * 86_400
    building.step(ahead)
    assert shown(id)["state"] == "booting"
    go()
    go(settings().cloud_boot_s + 10)
    assert shown(id)["state"] == "failed"


def test_an_order_of_another_provider_waits_for_its_settings(cloud, service, monkeypatch):
    id = enrolled(cloud)
    machine_orders.retire("test", id)
    monkeypatch.setenv("CELLAR_CLOUD", "dummy")
    service()
    go()
    assert (shown(id)["state"], len(cloud.servers)) == ("retiring", 1)
    assert "ordered at scaleway" in shown(id)["fault"]


def test_what_was_never_ordered_is_not_found(cloud):
    for which in ("nope", "cellar-1", None, "\x00", 5):
        with pytest.raises(NotFound):
            machine_orders.retire("test", which)
