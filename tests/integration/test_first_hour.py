"""A new customer's first hour: from nothing to a node that heals its pub while cut off, and reports all of it later.

The node is cut off until it has been missed and its pub healed, but for at least ``CELLAR_TEST_OUTAGE_S`` seconds (300).
"""

import contextlib
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from campaigns import hang, only, state, swept
from customers import Customer
from daemons import until
from far_node import Place, place
from hosts import OUTAGE_S
from networks import NONE
from salt_daemons import TOP

from pillar_service.core.events.events import Presence
from pillar_service.core.machines.machines import Event
from pillar_service.node.spool import Spool

__all__ = ["place"]
pytestmark = pytest.mark.campaign

NAME = f"first-{secrets.token_hex(3)}"
STORY = (
    Presence.AWAY,
    r'"event": "hung", "source": "watching", "target": "restarting"',
    rf'{Event.ACTION}\S* \S+ {{[^}}]*"action": "restart"',
    r'"event": "restarted", "source": "restarting", "target": "settling"',
    Presence.BACK,
)
"""What the node's page reports, in this order."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of everything here; containers whose data is in it are removed at the end."""
    folder = tmp_path_factory.mktemp("f")
    with swept(folder):
        yield folder


@pytest.fixture
def engine(folder: Path) -> Iterator[docker.DockerClient]:
    """The Docker that the node and this test share."""
    with contextlib.closing(docker.from_env()) as engine:
        yield engine


def offers_the_healer(place: Place) -> None:
    """Offers to customers the machines that come with Saltcellar."""
    place.service.stop()
    place.service.environment["CELLAR_MACHINES"] = str(TOP / "salt/machines")
    place.service.start()


def lets_a_machine_in(customer: Customer, place: Place) -> str:
    """Runs the line from the page on the customer's machine; returns the id of the node that it becomes."""
    page = customer.sends("/nodes/tokens", "/nodes", pattern="*", uses="1", life="1h")
    line = re.search(r"curl -fsS \S+ \| sh -s -- \S+", page)
    assert line, page
    return place.let_in(line[0])


def pours(customer: Customer, place: Place, node: str) -> str:
    """Pours a bot on the node; returns it once it is alive and the healer watches it."""
    bot = str(customer.asks("POST", "/agents", name=NAME, node=node)["agent"]["id"])
    until(lambda: lives(customer, bot), 180, "the bot is alive", every_s=1)
    watched = place.home.running / "pub-healer" / f"{bot}.json"
    until(watched.exists, 180, "the healer came, and watches the pub")
    return bot


def lives(customer: Customer, bot: str) -> bool:
    return bool(customer.asks("GET", f"/agents/{bot}/status")["actual"] == "alive")


def is_healed(pub: Any, since: str, place: Place) -> bool:
    """Whether the pub has been restarted and the node has that to report."""
    if state(pub)["StartedAt"] == since:
        return False
    waiting = Spool(place.home).batch().events
    return any(one.type == Event.TRANSITION and one.data["event"] == "restarted" for one in waiting)


def heals_alone(customer: Customer, place: Place, node: str, pub: Any) -> None:
    """Cuts the node off until it is missed, then lets its pub hang until the node has healed it."""
    began = time.monotonic()
    until(lambda: Presence.AWAY in customer.sees(f"/nodes/{node}/story"), 240, "the place misses the node", every_s=1)
    since = state(pub)["StartedAt"]
    hang(pub)
    until(lambda: is_healed(pub, since, place), 120, "the node heals its pub", every_s=1)
    time.sleep(max(0.0, began + OUTAGE_S - time.monotonic()))
    assert Event.TRANSITION not in customer.sees(f"/nodes/{node}/story")


def told(story: str) -> list[int]:
    """Where on the page each part of the story begins."""
    found = [re.search(part, story) for part in STORY]
    return [one.start() for one in found if one]


def test_a_new_customers_first_hour(place: Place, engine: docker.DockerClient) -> None:
    offers_the_healer(place)
    customer = Customer(place.service.public_url, "zoe@example.org")
    node = lets_a_machine_in(customer, place)
    bot = pours(customer, place, node)
    with place.host.behind(NONE):
        heals_alone(customer, place, node, only(engine, bot))

    def is_whole() -> bool:
        return len(told(customer.sees(f"/nodes/{node}/story"))) == len(STORY)

    until(is_whole, 300, "the whole story is on the page", every_s=1)
    story = customer.sees(f"/nodes/{node}/story")
    assert told(story) == sorted(told(story)), story
    assert "Gaps 0 lost, 0 refused, 0 missing" in story
    assert not re.search(r"events? (is|are) missing", story), story
    assert "State #here" in story
    until(lambda: lives(customer, bot), 60, "the bot is alive, as the customer sees it", every_s=1)
