"""kill -9 during `bots.create`: each bot ends up alive or its job says why; nothing is done twice or lost.

``CELLAR_TEST_KILLS`` is how often `make campaigns` kills each part (20; `make test-slow` does it once);
``CELLAR_TEST_SEED`` repeats the moments of a run.
"""

import contextlib
import os
import random
from functools import partial

import pytest
from campaigns import person, poured
from daemons import running
from killing import ACCOUNT, Campaign, Dispatcher, side_by_side
from ports import free_ports
from salt_daemons import Minion

MANY = int(os.environ.get("CELLAR_TEST_KILLS", "20"))
SEED = int(os.environ.get("CELLAR_TEST_SEED", str(random.randrange(10**6))))
EXTRA = ["killed-1", "killed-2", "killed-3"]


@pytest.fixture(scope="module")
def five_minions(cellar, master, service, minions):
    """Five minions, to be killed in parallel: each time, the dispatcher needs half a minute to notice."""
    extra = {node: Minion(cellar / node, node, master) for node in EXTRA}
    with contextlib.ExitStack() as stack:
        for node, minion in extra.items():
            service.manage("node-add", node, "--ports", "{}-{}".format(*free_ports(30)))
            stack.enter_context(running(minion))
        for minion in extra.values():
            minion.wait()
        yield minions | extra


@pytest.fixture
def campaign(client, engine, request):
    nodes = list(request.getfixturevalue(getattr(request, "param", "minions")))
    person(client, ACCOUNT)
    bots = {node: poured(client, [f"stands-on-{node}"], ACCOUNT, node)[0] for node in nodes}
    campaign = Campaign(client, engine, bots, SEED)
    yield campaign
    campaign.remove()


@pytest.mark.slow
def test_each_is_killed(campaign, service, master, minions):
    moments, (first, second) = random.Random(SEED), minions
    campaign.kill(moments, "service", service, first)
    campaign.kill(moments, "master", master, second)
    campaign.kill(moments, "dispatcher", Dispatcher(master), first)
    campaign.kill(moments, "minion", minions[second], second)
    campaign.check()


@pytest.mark.campaign
@pytest.mark.parametrize("campaign", ["five_minions"], indirect=True)
@pytest.mark.parametrize("victim", ["service", "master", "dispatcher"])
def test_one_of_the_centre_is_killed_again_and_again(campaign, service, master, victim):
    part = {"service": service, "master": master, "dispatcher": Dispatcher(master)}[victim]
    moments, nodes = random.Random(SEED), list(campaign.bots)
    for number in range(MANY):
        # A job that was cut off holds its node's queue for up to a minute, so the next one goes to another node.
        campaign.kill(moments, victim, part, nodes[number % len(nodes)])
    campaign.check()


@pytest.mark.campaign
@pytest.mark.parametrize("campaign", ["five_minions"], indirect=True)
def test_the_minions_are_killed_again_and_again(campaign, five_minions):
    def rounds(at: int, minion: Minion) -> None:
        moments = random.Random(SEED + at)
        for _ in range(at, MANY, len(five_minions)):
            campaign.kill(moments, "minion", minion, minion.node)

    side_by_side([partial(rounds, at, minion) for at, minion in enumerate(five_minions.values())])
    campaign.check()
