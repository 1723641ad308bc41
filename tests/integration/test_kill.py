"""kill -9 in the middle of `bots.create`: each bot ends alive or its job says why; nothing twice, nothing lost.

``CELLAR_TEST_KILLS`` is how often each part is killed; ``CELLAR_TEST_SEED`` repeats the moments of a run.
"""

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import docker
import pytest
from campaigns import free_ports, lives, over, person, poured, succeeded
from daemons import running, until
from salt_daemons import Minion

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.jobs import OVER
from pillar_service.master.client import Client

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("CELLAR_TEST_KILLS", "20"))
SEED = int(os.environ.get("CELLAR_TEST_SEED", str(random.randrange(10**6))))
ACCOUNT = "kill@example.org"
TAKEN = OVER | {"running"}
LONGEST_S = 240.0
"""By when every job must be over, after the last kill: three tries, each noticed after half a minute."""


@dataclass
class Campaign:
    """What was asked for and acknowledged, under which moments it was killed."""

    client: Client
    engine: docker.DockerClient
    bots: dict[str, str]
    seed: int = SEED
    creates: dict[str, str] = field(default_factory=dict)
    invites: dict[str, tuple[str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    kills: int = 0

    def ask(self, node: str) -> list[str]:
        """Asks for a bot and, of the bot that stands there, for an invite; keeps what was acknowledged."""
        with self.lock:
            number = f"{len(self.creates)}-{os.urandom(2).hex()}"
        asked = []
        with contextlib.suppress(SaltcellarError):  # what was not acknowledged, nobody relies on
            told = {"type": "bot", "name": f"kill-{number}", "account": ACCOUNT, "node": node}
            made = self.client.create_agent(told)
            self.creates[made["job"]["id"]] = made["agent"]["id"]
            asked.append(made["job"]["id"])
            note = f"note {number}"
            job = self.client.submit("bots.invite", self.bots[node], {"note": note})["id"]
            self.invites[job] = (node, note)
            asked.append(job)
        return asked

    def kill(self, moments: random.Random, parts: list[Any], asked: Callable[[], None]) -> None:
        """Asks for something, kills after 0 to 4 s, and starts again at once or after 1 to 3 s."""
        asked()
        time.sleep(moments.uniform(0, 4))
        for part in parts:
            part.kill()
        with self.lock:
            self.kills += 1
        if moments.random() < 0.5:
            time.sleep(moments.uniform(1, 3))
        for part in parts:
            part.start()

    def ended(self) -> dict[str, dict[str, Any]]:
        """Every acknowledged job once it is over; that each is there and ends is part of the claim."""
        ends = time.monotonic() + LONGEST_S
        return {job: over(self.client, job, ends - time.monotonic()) for job in [*self.creates, *self.invites]}

    def check(self) -> None:
        """The claims."""
        ended = self.ended()
        states = [ended[job]["state"] for job in self.creates]
        print(f"seed {self.seed}: {self.kills} kills, creates: { {state: states.count(state) for state in states} }")
        for job, bot in self.creates.items():
            self._is_alive_or_says_why(ended[job], bot)
        for node, bot in self.bots.items():
            self._no_invite_twice(ended, node, bot)
        for job, bot in self.creates.items():
            if ended[job]["state"] != "succeeded":
                succeeded(self.client, self.client.change_agent(bot, {"desired": "running"})["job"], LONGEST_S)
        assert all(len(found) == 1 for found in lives(self.engine, self.creates.values()).values())

    def _is_alive_or_says_why(self, job: dict[str, Any], bot: str) -> None:
        containers = lives(self.engine, [bot])[bot]
        assert len(containers) <= 1, f"{bot} has {len(containers)} containers"
        assert self.client.agent(bot)["id"] == bot
        if job["state"] == "succeeded":
            assert job["result"]["pub_id"]
            assert [status for _, _, status in containers] == ["running"]
        else:
            assert job["state"] in ("failed", "lost", "timed_out"), job
            assert job["error"].endswith(".") or job["error"].endswith("?"), job

    def _no_invite_twice(self, ended: dict[str, dict[str, Any]], node: str, bot: str) -> None:
        listed = succeeded(self.client, self.client.submit("bots.invites", bot, {}), LONGEST_S)["result"]
        made = [invite["note"] for invite in listed]
        for job, (where, note) in self.invites.items():
            if where == node:
                assert made.count(note) <= 1, f"{note} was made {made.count(note)} times"
                assert ended[job]["state"] != "succeeded" or made.count(note) == 1, ended[job]

    def remove(self) -> None:
        """Deletes all its bots with their data, several in one state run."""
        there = [bot["id"] for bot in self.client.agents(type="bot", account=ACCOUNT)]
        for job in [self.client.delete_agent(bot, purge=True)["job"] for bot in there]:
            succeeded(self.client, job, LONGEST_S)


@pytest.fixture
def campaign(client, engine, cellar_1, cellar_2, request):
    nodes = getattr(request, "param", ["cellar-1", "cellar-2"])
    person(client, ACCOUNT)
    bots = {node: poured(client, [f"stands-on-{node}"], ACCOUNT, node)[0] for node in nodes}
    campaign = Campaign(client, engine, bots)
    yield campaign
    campaign.remove()


def test_the_service_is_killed(campaign, service):
    moments = random.Random(SEED)
    for number in range(KILLS):
        node = f"cellar-{1 + number % 2}"
        campaign.kill(moments, [service], lambda node=node: campaign.ask(node))  # start() waits until it answers
    campaign.check()


EXTRA = ["killed-1", "killed-2", "killed-3"]
NODES = ["cellar-1", "cellar-2", *EXTRA]


@pytest.fixture(scope="module")
def five_minions(cellar, master, service, cellar_1, cellar_2):
    """More minions, to be killed side by side: each time it takes half a minute until the dispatcher is sure."""
    with contextlib.ExitStack() as stack:
        extra = [Minion(cellar / node, node, master) for node in EXTRA]
        for minion in extra:
            service.manage("node-add", minion.node, "--ports", "{}-{}".format(*free_ports(20)))
            stack.enter_context(running(minion))
        for minion in extra:
            minion.wait()
        yield [cellar_1, cellar_2, *extra]


@pytest.mark.usefixtures("five_minions")
@pytest.mark.parametrize("campaign", [NODES], indirect=True)
def test_the_master_is_killed(campaign, master, client):
    moments = random.Random(SEED)
    for number in range(KILLS):
        asked: list[str] = []
        node = NODES[number % len(NODES)]  # what was cut off holds its node's queue for up to a minute
        campaign.kill(moments, [master], lambda node=node, asked=asked: asked.extend(campaign.ask(node)))
        until(lambda asked=asked: client.job(asked[0])[0]["state"] in TAKEN, 90, "the new master takes the job")
    campaign.check()


@pytest.mark.usefixtures("five_minions")
@pytest.mark.parametrize("campaign", [NODES], indirect=True)
def test_the_minions_are_killed(campaign, five_minions, client):
    failed: list[BaseException] = []

    def rounds(minion: Minion, moments: random.Random, count: int) -> None:
        try:
            for _ in range(count):
                asked: list[str] = []
                campaign.kill(moments, [minion], lambda: asked.extend(campaign.ask(minion.node)))  # noqa: B023
                over(client, asked[0], LONGEST_S)
        except BaseException as error:
            failed.append(error)

    counts = [len(range(at, KILLS, len(five_minions))) for at in range(len(five_minions))]
    threads = [
        threading.Thread(target=rounds, args=(minion, random.Random(SEED + at), counts[at]))
        for at, minion in enumerate(five_minions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, (SEED, failed)
    campaign.check()
