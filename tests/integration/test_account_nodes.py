"""An account's configuration on real nodes of its own: it arrives soon, stays while the centre is away, and governs."""

import json
import time

import pytest
from daemons import until

from pillar_service.core.errors import NotFound
from pillar_service.core.jobs.jobs import OVER
from pillar_service.node.configuration import Configuration
from pillar_service.node.paths import Home

pytestmark = pytest.mark.slow

KEY, EMAIL = "pub/restart-after", "nodes@example.org"

OWN = """
import sys
from pillar_service.store.nodes import nodes
from pillar_service.store.database import transaction
from pillar_service.usecases.nodes import configuration, pillars
from pillar_service.usecases.people import accounts
from pillar_service.usecases.service import storage
storage.prepare()
account = accounts.show(sys.argv[1])["id"] if sys.argv[1] else None
with transaction():
    for node in sys.argv[2:]:
        nodes.change(node, account=account)
        pillars.rewrite(node)
"""


@pytest.fixture(scope="module")
def account(master):
    assert master.run("accounts.create", EMAIL)[0] == 0
    return EMAIL


@pytest.fixture
def nodes(service, minions, account):
    """Both nodes, which belong to the account during the test."""
    service.python(OWN, account, *minions)
    yield sorted(minions)
    service.python(OWN, "", *minions)


@pytest.fixture
def kept(cellar, nodes):
    """The copies of the account's configuration on both nodes, as their machines read them."""
    return [Configuration(Home(cellar / node / "node")) for node in nodes]


def value(copy):
    try:
        return copy.get(KEY)
    except NotFound:
        return None


def test_a_key_is_on_every_node_of_the_account_soon_and_stays_while_the_centre_is_away(master, service, kept):
    code, told = master.run("configuration.set", EMAIL, KEY, '{"seconds": 60}')
    assert (code, told["value"]) == (0, {"seconds": 60})
    until(lambda: [value(copy) for copy in kept] == [{"seconds": 60}] * 2, 20, "both nodes have it")
    service.kill()
    try:
        assert [value(copy) for copy in kept] == [{"seconds": 60}] * 2
        assert master.salt("cellar-1", "configuration.get", KEY) == {"seconds": 60}
    finally:
        service.start()


def test_a_node_sets_a_key_for_all_and_who_comes_late_is_told_what_stands(master, kept):
    code, told = master.run("configuration.set", EMAIL, KEY, "before")
    assert code == 0, told
    made = master.salt("cellar-1", "configuration.set", KEY, '["by a node"]', f"revision={told['revision']}")
    assert made["by"] == "node:cellar-1", made
    until(lambda: [value(copy) for copy in kept] == [["by a node"]] * 2, 20, "both nodes have it")
    assert "Somebody else changed it first" in str(
        master.salt("cellar-2", "configuration.set", KEY, "late", f"revision={told['revision']}")
    )
    code, told = master.run("configuration.set", EMAIL, KEY, "late", f"revision={told['revision']}")
    assert (code, "Somebody else changed it first" in told["error"]) == (1, True)
    assert master.run("configuration.delete", EMAIL, KEY)[0] == 0
    until(lambda: [value(copy) for copy in kept] == [None] * 2, 20, "it is gone on both nodes")


def test_a_node_takes_a_lease_by_hand(master, nodes):
    assert master.run("configuration.set", EMAIL, "governors/hands", "1")[0] == 0
    mine = master.salt("cellar-1", "governors.take", "hands", "by-hand")
    assert mine["granted"] is True, mine
    assert master.salt("cellar-2", "governors.take", "hands", "by-hand")["granted"] is False
    assert master.salt("cellar-1", "governors.release", "hands", "by-hand", str(mine["fence"])) is True
    assert master.salt("cellar-2", "governors.take", "hands", "by-hand")["fence"] == mine["fence"] + 1


def test_a_command_that_names_a_governor_runs_on_one_of_the_places_nodes_after_the_other(client, master, minions):
    assert master.run("configuration.set", "operators", "governors/naps", "1")[0] == 0
    for node in minions:
        assert master.salt(node, "meeseeks.capacities")["has"]
    job = client.run({"command": "governed-nap", "arguments": {}, "selector": ""})
    most, until_s = 0, time.monotonic() + 90
    while (told := client.command_job(job["id"]))["job"]["state"] not in OVER and time.monotonic() < until_s:
        code, found = master.run("configuration.governors", "operators")
        assert code == 0, found
        most = max(most, *(len(one["leases"]) for one in found))
    assert told["job"]["state"] == "succeeded", json.dumps(told["parts"])
    assert most == 1
    assert master.run("configuration.governors", "operators")[1][0]["leases"] == []
