"""The grown-up setup: PostgreSQL, several workers per app, two masters. Bots are poured whichever of them dies."""

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import docker
import pytest
from campaigns import over, person, state, succeeded, swept, within
from daemons import Service, running, until
from databases import Postgres
from ports import free_ports
from salt_daemons import Master
from twins import twins

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.jobs.jobs import OVER
from pillar_service.master.client import Client

pytestmark = pytest.mark.slow

ACCOUNT = "grown@example.org"
WORKERS = 3
AT_ONCE = 2
"""How many bots wait at a time beside those that each step asks for: a node pours all that wait in one run."""

POURED_S = 150
"""Seconds within which a bot must live: a dead master keeps its lease for 20 s, and its node's queue for a minute."""


@dataclass
class Grown:
    """Everything that can be killed, and the bots that were acknowledged meanwhile, by their jobs."""

    service: Service
    postgres: Postgres
    masters: tuple[Master, Master]
    client: Client
    acknowledged: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def pour(self) -> str:
        """Asks for one more bot; returns the id of its job."""
        told = {"type": "bot", "account": ACCOUNT, "node": "cellar-8", "name": f"grown-{os.urandom(4).hex()}"}
        made = self.client.create_agent(told)
        self.acknowledged[made["job"]["id"]] = made["agent"]["id"]
        return str(made["job"]["id"])

    def keep_pouring(self) -> None:
        """Asks for a bot whenever few wait, until ``enough`` is set. What was not acknowledged does not count."""
        mine: list[str] = []
        while not self.enough.wait(0.5):
            try:
                mine = [job for job in mine if self.client.job(job)[0]["state"] not in OVER]
                if len(mine) < AT_ONCE:
                    mine.append(self.pour())
            except SaltcellarError as error:
                self.refused.append(error.sentence)

    def publishing(self) -> Master:
        """The master that currently publishes."""
        asked = "SELECT holder FROM lease WHERE name = 'publishing' AND expires_at > extract(epoch FROM now())"
        holder = until(lambda: self.postgres.sql(asked, "grown").strip(), 60, "a master holds the lease")
        return next(master for master in self.masters if master.name == holder)

    def alive(self, job: str) -> None:
        """Waits until this job's bot is poured."""
        succeeded(self.client, {"id": job}, POURED_S)


@pytest.fixture
def grown(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Grown]:
    """The service on PostgreSQL, two masters, one node with Docker, and a thread that keeps asking for bots."""
    folder = tmp_path_factory.mktemp("g")
    made = Service(folder / "service", postgres.new("grown"), WORKERS)
    with swept(folder), running(made) as service:
        service.manage("node-add", "cellar-8", "--ports", "{}-{}".format(*free_ports(100)))
        with twins(folder, service, "cellar-8") as (masters, _):
            client = Client(service.url, str(service.token_file), actor="tester")
            person(client, ACCOUNT)
            yield Grown(service, postgres, masters, client)


def test_bots_are_poured_whichever_of_each_is_killed(grown: Grown, engine: docker.DockerClient) -> None:
    asking = threading.Thread(target=grown.keep_pouring)
    asking.start()
    try:
        until(lambda: grown.acknowledged, 30, "somebody asks")
        a_worker_of_each_app_dies(grown)
        postgresql_crashes(grown)
        the_publishing_master_dies(grown)
    finally:
        grown.enough.set()
        asking.join()
    print(f"{len(grown.acknowledged)} bots; refused meanwhile: {grown.refused}")
    each_is_there_once_and_lives(grown, engine)


def a_worker_of_each_app_dies(grown: Grown) -> None:
    """The other workers keep answering, and a new one replaces the dead one."""
    for app in grown.service.apps:
        killed = grown.service.workers(app)[0]
        os.kill(killed, signal.SIGKILL)
        grown.pour()
        until(
            lambda app=app, killed=killed: len({*grown.service.workers(app)} - {killed}) == WORKERS,
            30,
            f"{app} is whole",
        )


def postgresql_crashes(grown: Grown) -> None:
    """Everything acknowledged survives, and nothing has to be started again."""
    grown.postgres.crash()
    until(lambda: not refused(grown), 30, "the service has the database again")
    grown.alive(list(grown.acknowledged)[-1])


def refused(grown: Grown) -> bool:
    """Whether asking for a bot fails now."""
    try:
        grown.pour()
    except SaltcellarError:
        return True
    return False


def the_publishing_master_dies(grown: Grown) -> None:
    """The other master pours meanwhile, although the node asks the dead one for the pillar of the run it just published."""
    dead = grown.publishing()
    before = published(dead)
    grown.pour()
    until(lambda: published(dead) > before, 60, "one more run is published")
    dead.kill()
    grown.alive(grown.pour())
    assert grown.publishing() is not dead
    dead.start()


def published(master: Master) -> int:
    """How many state runs the master has published, according to its log."""
    return (master.folder / "salt.log").read_text().count("Published state.apply")


def each_is_there_once_and_lives(grown: Grown, engine: docker.DockerClient) -> None:
    """Every acknowledged bot is known and has one running container; there are no other containers.

    Jobs that were cut off say why, and are repeated once.
    """
    ended = [over(grown.client, job, POURED_S) for job in grown.acknowledged]
    failed = [job for job in ended if job["state"] != "succeeded"]
    assert all(job["error"] for job in failed), failed
    assert len(failed) < len(ended) / 2, failed
    for job in failed:
        succeeded(grown.client, grown.client.change_agent(job["bot"], {"desired": "running"})["job"], POURED_S)
    known = {bot["id"] for bot in grown.client.agents(type="bot", account=ACCOUNT)}
    assert known >= set(grown.acknowledged.values())
    poured = within(engine, grown.service.folder.parent)
    assert sorted(one.labels["saltcellar.bot"] for one in poured) == sorted(known)
    assert {state(one)["Status"] for one in poured} == {"running"}
    assert len(known) >= 6
