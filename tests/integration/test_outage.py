"""A host's network is cut for five minutes: what its node tells is at the service once and in order, and stock Salt loses some.

``CELLAR_TEST_OUTAGE_S`` is for how long it is cut (300). Salt tries an event three times for a minute each: an outage that is
shorter than that shows nothing of it, and then only ours is judged.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

import kept_events
import pytest
from daemons import Daemon, running, until
from far_node import Place, folder, place
from hosts import OUTAGE_S
from two_ways import KIND, PER_S, STREAMS, Fate, listener, numbers, printed, stock_minion, teller

from pillar_service.core.submission import Lifecycle

__all__ = ["folder", "place"]
pytestmark = pytest.mark.slow

LED_S, TRAILED_S = 5, 15
EVENTS = round(PER_S * (LED_S + OUTAGE_S + TRAILED_S))
SALT_TRIES_S = 180.0


class Cut(NamedTuple):
    """How many events were told when the network went, and when it came back; how many had reached the service then."""

    first: int
    last: int
    reached: int


@pytest.fixture
def node(place: Place) -> str:
    """Ann's node, which has told the service that it started."""
    place.run("accounts.create", "ann@example.org")
    node = place.let_in(place.run("nodes.token", "account=ann@example.org")["line"])
    until(lambda: kept_events.of(place.service, node, Lifecycle.START), 120, "the node tells that it started")
    return node


@pytest.fixture
def heard(place: Place) -> Iterator[Daemon]:
    """Who listens on the master's bus."""
    with running(listener(place)) as daemon:
        until(lambda: "hears" in printed(daemon), 30, "somebody listens")
        yield daemon


@pytest.fixture
def told(place: Place, node: str, heard: Daemon) -> Iterator[Daemon]:
    """Who tells on the host; both ways work."""
    stock, minion = stock_minion(place)
    with running(minion):
        place.answers("stock")
        with running(teller(place, stock, EVENTS)) as daemon:
            until(lambda: len(numbers(daemon)) > PER_S * LED_S, 60, "it tells")
            until(lambda: numbers(heard) and reached(place, node), 30, "both ways work")
            yield daemon


def reached(place: Place, node: str) -> int:
    """How many of the events are at the service."""
    return len(kept_events.of(place.service, node, KIND))


def cut_off(place: Place, node: str, told: Daemon) -> Cut:
    """Cuts the host off for as long as it takes."""
    with place.host.without_network():
        first = len(numbers(told))
        time.sleep(OUTAGE_S)
        cut = Cut(first, len(numbers(told)), reached(place, node))
    assert cut.reached <= cut.first + 1, f"the network was not cut, so this shows nothing: {cut}"
    assert cut.last - cut.first > PER_S * OUTAGE_S / 2, f"little was told meanwhile, so this shows nothing: {cut}"
    return cut


def ends(told: Daemon) -> None:
    """Waits until everything is told."""
    assert told.process is not None
    assert told.process.wait(60) == 0, printed(told)[-20:]


def test_nothing_is_lost_doubled_or_out_of_order_in_an_outage_where_stock_salt_loses(
    place: Place, node: str, told: Daemon, heard: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = cut_off(place, node, told)
    back = time.monotonic()
    until(lambda: reached(place, node) >= cut.last, 300, "what was told meanwhile is at the service")
    took = time.monotonic() - back
    ends(told)
    until(lambda: reached(place, node) >= EVENTS, 120, "the rest is at the service")
    assert kept_events.numbers(place.service, node, KIND) == kept_events.by_stream(EVENTS, STREAMS)

    patience = back + SALT_TRIES_S
    until(lambda: len(set(numbers(heard))) == EVENTS or time.monotonic() > patience, 200, "Salt has done what it can")
    salts = Fate.of(numbers(heard), EVENTS)
    with capsys.disabled():
        print(
            f"\n{cut} of {EVENTS}, {OUTAGE_S:.0f} s without network: all there {took:.1f} s later. Stock Salt: {salts}"
        )
    assert max(numbers(heard)) >= cut.last, "Salt's events never came back: that is no outage, but a fault of this test"
    assert salts.lost or OUTAGE_S < SALT_TRIES_S, "stock Salt lost nothing: this test can't lose"
