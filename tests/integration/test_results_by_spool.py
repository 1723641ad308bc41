"""The master goes away during a state run, and is back only after Salt has given up: the result comes by the spool, once."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kept_events
import pytest
import salt.utils.jid
from campaigns import let_go, lives, person
from daemons import Service, running, until
from ports import free_ports
from salt_daemons import Master, Minion

from pillar_service.core.events.submission import JOB_RESULT
from pillar_service.core.jobs.jobs import OVER
from pillar_service.master.client import Client

pytestmark = pytest.mark.slow

ACCOUNT = "spooled@example.org"
NODE = "spooled-1"
SALT_GIVES_UP = {"return_retry_timer": 1, "return_retry_timer_max": 1, "return_retry_tries": 2}
SALT_GIVES_UP |= {"request_channel_timeout": 2, "request_channel_tries": 1}
"""Settings with which Salt gives up returning within seconds; with the shipped ones it tries for half an hour."""

SALT_TRIES_S = 15.0


@pytest.fixture(scope="module")
def node(cellar, master: Master, service: Service) -> Iterator[Minion]:
    """A node that gives up returning results quickly."""
    service.manage("node-add", NODE, "--ports", "{}-{}".format(*free_ports(20)))
    minion = Minion(cellar / NODE, NODE, master, **SALT_GIVES_UP)
    service.manage("node-key", NODE, str(minion.folder / "pki" / "minion.pub"))
    with running(minion):
        minion.wait()
        assert master.salt(NODE, "pubs.engine") is True
        yield minion


def job(client: Client, id: str) -> dict[str, Any]:
    return dict(client.job(id)[0])


def told(service: Service, job: str) -> list[Any]:
    """The results for this job that the node has told by its spool."""
    return [data for _, data in kept_events.of(service, NODE, JOB_RESULT) if job in data["jobs"]]


def test_a_state_run_whose_master_went_is_settled_by_the_spool(
    client: Client, service: Service, master: Master, node: Minion, engine
) -> None:
    asked = {"type": "bot", "name": "spooled", "account": person(client, ACCOUNT), "node": NODE}
    made = client.create_agent(asked)
    bot, id = made["agent"]["id"], made["job"]["id"]
    until(lambda: lives(engine, [bot])[bot], 60, "the state run is in its middle: the container is made")
    assert job(client, id)["state"] == "running"
    master.kill()
    ended = until(lambda: found if (found := job(client, id))["state"] in OVER else None, 300, "the job ends")
    assert (ended["state"], ended["attempts"]) == ("succeeded", 1), ended
    assert ended["result"]["pub_id"].endswith(".ed25519")
    assert [one["success"] for one in told(service, id)] == [True]
    time.sleep(SALT_TRIES_S)
    master.start()
    node.wait()
    until(lambda: client.runs(master.name) == [], 30, "the master holds nothing of it any more")
    time.sleep(5)
    folder = salt.utils.jid.jid_dir(told(service, id)[0]["jid"], str(master.folder / "cache" / "jobs"), "sha256")
    assert not Path(folder, NODE, "return.p").exists(), "Salt brought it, too: this shows nothing"
    assert job(client, id) == ended
    assert len(told(service, id)) == 1
    assert len(lives(engine, [bot])[bot]) == 1
    let_go(client, [bot])
