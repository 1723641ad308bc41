"""Retiring machines: first cut off, then destroyed with their volumes, whatever faults the provider has."""

import time

import pytest
from fake_scaleway import SECRET, Refused
from ordering import booted, enrolled, go, only, order, shown
from pouring import bot, carry_out, owner, poured

from pillar_service.core.errors import Conflict
from pillar_service.core.nodes import machine_orders as rules
from pillar_service.store import database
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.nodes.machine_orders import MachineOrder
from pillar_service.store.service import audit
from pillar_service.usecases.bots import bots
from pillar_service.usecases.nodes import building, machine_orders, nodes
from pillar_service.usecases.people import leaving


@pytest.mark.parametrize("keeps_volumes", [False, True])
def test_a_retired_machine_is_cut_off_first_then_gone_with_its_volumes(cloud, keeps_volumes):
    id = enrolled(cloud)
    cloud.keeps_volumes = keeps_volumes
    told = machine_orders.retire("operator:bea", "rack-1")
    assert (told["state"], len(cloud.servers)) == ("retiring", 1)
    assert next(one for one in nodes.listed() if one["id"] == "rack-1")["key"]["state"] == "revoked"
    for at in (0, 10, 20, rules.SETTLE_S + 20):
        go(at)
    assert (shown(id)["state"], cloud.servers, cloud.volumes) == ("retired", {}, {})
    assert len(cloud.deleted) == len(set(cloud.deleted))
    again = machine_orders.retire("operator:bea", "rack-1")
    assert (again["state"], building.step(time.time() + 999)) == ("retired", False)
    done = {row.action for row in audit.about(f"machine:{id}")}
    assert done == {"nodes.provision", "nodes.provisioned", "nodes.retire", "nodes.retired"}
    booted_again = order()
    assert booted_again != id


def test_a_machine_with_bots_is_kept_unless_told_otherwise(cloud):
    id = enrolled(cloud)
    owner()
    mine = bot()["agent"]["id"]
    with database.transaction():
        bot_rows.change(mine, node="rack-1")
    with pytest.raises(Conflict, match="There are bots on rack-1 \\(1, "):
        machine_orders.retire("test", id)
    bots.delete("test", mine, purge=False)  # It can still be brought back.
    with pytest.raises(Conflict, match="There are bots on rack-1"):
        machine_orders.retire("test", "rack-1")
    assert machine_orders.retire("test", id, with_bots=True)["state"] == "retiring"


def test_bots_that_went_with_their_machine_are_lost_once_it_is_gone(cloud):
    id = enrolled(cloud)
    owner()
    mine = poured()["id"]
    with database.transaction():
        bot_rows.change(mine, node="rack-1")
    machine_orders.retire("test", id, with_bots=True)
    go(0)
    assert bots.show(mine)["actual"] == "alive", "its container may still run, and must not twice"
    for at in (10, 20, rules.SETTLE_S + 20):
        go(at)
    assert (shown(id)["state"], bots.show(mine)["actual"]) == ("retired", "lost")
    assert bots.delete("test", mine, purge=False)["job"]["state"] == "succeeded"


def test_a_machine_is_kept_for_the_data_of_bots_that_it_has_removed(cloud):
    id = enrolled(cloud)
    owner()
    mine = poured()["id"]
    bots.delete("test", mine, purge=False)
    carry_out()
    with database.transaction():
        bot_rows.change(mine, node="rack-1")
    with pytest.raises(Conflict, match="There are bots on rack-1 \\(1, "):
        machine_orders.retire("test", id)
    with database.transaction():
        bot_rows.change(mine, purge=True)
    assert machine_orders.retire("test", id)["state"] == "retiring"


def test_a_half_made_machine_is_retired_with_the_volumes_that_it_never_used(cloud):
    cloud.before = lambda what: (_ for _ in ()).throw(Refused(400, "no")) if "user_data" in what else None
    id = order()
    go()
    assert (shown(id)["state"], only(cloud.servers)["state"]) == ("failed", "stopped")
    machine_orders.retire("test", id)
    for at in (0, 10, 20, rules.SETTLE_S + 20):
        go(at)
    assert (shown(id)["state"], cloud.servers, cloud.volumes) == ("retired", {}, {})


def test_one_retired_while_it_is_being_made_leaves_nothing_at_the_provider(cloud):
    id = order()

    def retire_meanwhile(what: str) -> None:
        if what == "POST servers":
            machine_orders.retire("operator:bea", id)

    cloud.after = retire_meanwhile
    building.step()
    assert len(cloud.servers) == 1
    assert shown(id)["state"] == "retiring"
    for at in (0, 10, 20, rules.SETTLE_S + 20):
        go(at)
    assert (shown(id)["state"], cloud.servers, cloud.volumes) == ("retired", {}, {})


def test_retiring_goes_on_through_every_fault(cloud):
    id = enrolled(cloud)
    cloud.key = "another"
    machine_orders.retire("test", id)
    go()
    assert (shown(id)["state"], "refuses our key" in shown(id)["fault"]) == ("retiring", True)
    cloud.key, left = SECRET, [Refused(500, "oops"), ConnectionAbortedError()]

    def fail(what: str) -> None:
        if left and ("action" in what or "DELETE" in what):
            raise left.pop()

    cloud.after = fail
    cloud.keeps_volumes = True
    at = 0.0
    for _ in range(8):
        at = go(at) + rules.LONGEST_PAUSE_S
    assert (shown(id)["state"], cloud.servers, cloud.volumes, left) == ("retired", {}, {}, [])


def test_a_clock_that_was_a_month_ahead_lets_no_machine_stand_for_so_long(cloud):
    booted(cloud)
    machine_orders.retire("test", "rack-1")
    building.step(time.time() + 30 * 86_400)
    for at in (0, rules.LOOK_S + 1, rules.SETTLE_S + 10):
        go(at)
    assert shown(str(MachineOrder.get().id))["state"] == "retired"
    assert (cloud.servers, cloud.volumes) == ({}, {})


def test_an_account_that_leaves_takes_its_machines_along(cloud):
    person = owner()
    id = enrolled(cloud, account=person)
    assert [one["id"] for one in leaving.data(person)["machines"]] == [id]
    leaving._forget(person, "x@example.org", "")
    assert shown(id)["state"] == "retiring"
