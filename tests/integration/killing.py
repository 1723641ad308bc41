"""Asks for things while parts are killed at random moments, and checks what must hold for all that was acknowledged."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import docker
import psutil
from campaigns import lives, over, succeeded
from daemons import until
from salt_daemons import Master

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.jobs.jobs import OVER
from pillar_service.master.client import Client

ACCOUNT = "kill@example.org"
TAKEN = OVER | {"running"}
ENDS = ("succeeded", "failed", "lost", "timed_out")
"""How a job may end unless somebody cancels it."""

LONGEST_S = 240.0
"""How many seconds after the last kill every job must be over: three tries, each found lost after half a minute."""


class Part(Protocol):
    """Something that can be killed."""

    def kill(self) -> None:
        """kill -9."""

    def start(self) -> None:
        """Starts it again."""


@dataclass
class Dispatcher:
    """The dispatcher's process alone: its master stays up and starts it again."""

    master: Master
    dead: psutil.Process | None = None

    def kill(self) -> None:
        """Waits until the dispatcher runs, and kills it."""
        self.dead = until(self.master.dispatcher, 60, "the master has a dispatcher")
        self.dead.kill()

    def start(self) -> None:
        """Waits until the master has started another one."""
        until(lambda: self.master.dispatcher() not in (None, self.dead), 60, "the master starts its dispatcher again")


@dataclass
class Asked:
    """An acknowledged bot: its id, and the part that was killed around that time."""

    bot: str
    victim: str


@dataclass
class Campaign:
    """All that was asked for and acknowledged, by job, and how often each part was killed."""

    client: Client
    engine: docker.DockerClient
    bots: dict[str, str]
    seed: int
    creates: dict[str, Asked] = field(default_factory=dict)
    invites: dict[str, tuple[str, str]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def kill(self, moments: random.Random, victim: str, part: Part, node: str) -> None:
        """Asks for a bot, kills the part after 0 to 4 s, starts it again (at once or after 1 to 3 s) and waits for the jobs.

        They must be running or over; if the victim is a minion, over, since its node takes no other job before that.
        """
        asked = self._ask(victim, node)
        time.sleep(moments.uniform(0, 4))
        part.kill()
        with self.lock:
            self.kills[victim] += 1
        if moments.random() < 0.5:
            time.sleep(moments.uniform(1, 3))
        part.start()
        awaited = OVER if victim == "minion" else TAKEN
        for job in asked:
            until(lambda job=job: self.client.job(job)[0]["state"] in awaited, LONGEST_S, f"{job} goes on")

    def _ask(self, victim: str, node: str) -> list[str]:
        """Asks for a new bot and for an invite of the node's standing bot; returns the jobs that were acknowledged."""
        note = os.urandom(4).hex()
        told = {"type": "bot", "name": f"kill-{note}", "account": ACCOUNT, "node": node}
        asked = []
        try:
            made = self.client.create_agent(told)
            asked.append(made["job"]["id"])
            self.creates[asked[0]] = Asked(made["agent"]["id"], victim)
            asked.append(self.client.submit("bots.invite", self.bots[node], {"note": note})["id"])
            self.invites[asked[1]] = (node, note)
        except SaltcellarError:  # What was not acknowledged does not count.
            self.refused[victim] += 1
        return asked

    def check(self) -> None:
        """Checks all claims: jobs end, bots are alive or say why not, and nothing was done twice."""
        ended = self._ended()
        print(f"seed {self.seed}\n{self._table(ended)}")
        for job, asked in self.creates.items():
            self._is_alive_or_says_why(ended[job], asked.bot)
        for node, bot in self.bots.items():
            self._no_invite_twice(ended, node, bot)
        for job, asked in self.creates.items():
            if ended[job]["state"] != "succeeded":
                again = self.client.change_agent(asked.bot, {"desired": "running"})["job"]
                succeeded(self.client, again, LONGEST_S)
        bots = [asked.bot for asked in self.creates.values()]
        assert all(len(found) == 1 for found in lives(self.engine, bots).values()), f"seed {self.seed}"

    def _ended(self) -> dict[str, dict[str, Any]]:
        """Waits until every acknowledged job is over; that each exists and ends is part of the claims."""
        ends = time.monotonic() + LONGEST_S
        return {job: over(self.client, job, ends - time.monotonic()) for job in [*self.creates, *self.invites]}

    def _table(self, ended: dict[str, dict[str, Any]]) -> str:
        """A table of how the jobs around each victim's kills ended."""
        heads = ["victim", "kills", "refused", *ENDS]
        rows: list[list[object]] = [heads]
        for victim, kills in self.kills.items():
            states = Counter(ended[job]["state"] for job, asked in self.creates.items() if asked.victim == victim)
            rows.append([victim, kills, self.refused[victim], *(states[state] for state in ENDS)])
        return "\n".join("".join(f"{cell!s:>11}" for cell in row) for row in rows)

    def _is_alive_or_says_why(self, job: dict[str, Any], bot: str) -> None:
        containers = lives(self.engine, [bot])[bot]
        assert len(containers) <= 1, f"seed {self.seed}: {bot} has {len(containers)} containers"
        assert self.client.agent(bot)["id"] == bot
        if job["state"] == "succeeded":
            assert job["result"]["pub_id"]
            assert [status for _, _, status in containers] == ["running"], f"seed {self.seed}: {job}"
        else:
            assert job["state"] in ENDS, f"seed {self.seed}: {job}"
            assert job["error"].endswith((".", "?")), f"seed {self.seed}: {job}"

    def _no_invite_twice(self, ended: dict[str, dict[str, Any]], node: str, bot: str) -> None:
        listed = succeeded(self.client, self.client.submit("bots.invites", bot, {}), LONGEST_S)["result"]
        made = Counter(invite["note"] for invite in listed)
        for job, (where, note) in self.invites.items():
            if where == node:
                assert made[note] <= 1, f"seed {self.seed}: {note} was made {made[note]} times"
                assert ended[job]["state"] != "succeeded" or made[note] == 1, f"seed {self.seed}: {ended[job]}"

    def remove(self) -> None:
        """Deletes all its bots with their data; one state run may delete several."""
        there = [bot["id"] for bot in self.client.agents(type="bot", account=ACCOUNT)]
        for job in [self.client.delete_agent(bot, purge=True)["job"] for bot in there]:
            succeeded(self.client, job, LONGEST_S)


def side_by_side(rounds: list[Callable[[], None]]) -> None:
    """Runs them all at once, each in its own thread; raises the first exception."""
    failed: list[BaseException] = []

    def carried_out(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=carried_out, args=(one,)) for one in rounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
