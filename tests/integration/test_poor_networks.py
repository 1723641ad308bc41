"""A node whose network is slow, lossy or works one way only: what it tells arrives once and in order."""

import os
import time

import kept_events
import pytest
from daemons import until
from far_node import Place, folder, place
from networks import DEAF, DUMB, LOSSY, SLOW, Network

from pillar_service.core.events.submission import Lifecycle
from pillar_service.node.spool import Spool

__all__ = ["folder", "place"]
pytestmark = pytest.mark.campaign

COUNT, STREAMS, BYTES = 60, 3, 1024
POOR_S = 20
"""How many seconds it stays poor: long enough for several tries of the node, whose intervals grow."""


@pytest.fixture(scope="module")
def node(place: Place) -> str:
    """Ann's node, once it has told the service that it started."""
    place.run("accounts.create", "ann@example.org")
    node = place.let_in(place.run("nodes.token", "account=ann@example.org")["line"])
    until(lambda: kept_events.of(place.service, node, Lifecycle.START), 120, "the node tells that it started")
    return node


def tells(place: Place, kind: str) -> None:
    """Tells numbers, each with incompressible data."""
    spool = Spool(place.home)
    for n in range(COUNT):
        spool.put(kind, "network", {"n": n, "more": os.urandom(BYTES // 2).hex()}, stream=f"s{n % STREAMS}")


@pytest.mark.parametrize("network", [SLOW, LOSSY, DEAF, DUMB], ids=lambda network: network.name)
def test_what_is_told_is_there_once_and_in_order(place: Place, node: str, network: Network) -> None:
    kind = f"org.example.{network.name}"

    def came() -> int:
        return len(kept_events.of(place.service, node, kind))

    with place.host.behind(network):
        tells(place, kind)
        time.sleep(POOR_S)
        if network.is_heard:
            until(came, 120, "something comes through, however poor the network is")  # chance decides how soon
        else:
            assert came() == 0, "the network is not what it is said to be"
    until(lambda: came() >= COUNT, 180, "all of it is at the service")
    assert kept_events.numbers(place.service, node, kind) == kept_events.by_stream(range(COUNT), STREAMS)
    place.answers(node)
