"""A host has no network for five minutes and loses power half-way: what its node tells arrives once and in order.

Stock Salt on the same host at the same time loses whatever it had in memory. Without network alone it loses nothing, if
its sockets live as long as the outage.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

import kept_events
import pytest
from daemons import Daemon, running, until
from far_node import Place, folder, place
from hosts import OUTAGE_S
from networks import NONE
from salt_daemons import Minion
from two_ways import KIND, PER_S, STREAMS, Fate, listener, numbers, printed, stock_minion, teller

from pillar_service.core.events.submission import Lifecycle

__all__ = ["folder", "place"]
pytestmark = pytest.mark.campaign

LED_S, TRAILED_S = 5, 15
EVENTS = round(PER_S * (LED_S + OUTAGE_S + TRAILED_S))
SALT_TRIES_S = 180.0


class Cut(NamedTuple):
    """How many events had been told when the network went (``first``) and came back (``last``), and had arrived by then.

    ``open`` is the one that was being told when the power went. It was never acknowledged, so it may or may not arrive.
    """

    first: int
    open: int
    last: int
    reached: int


@pytest.fixture
def node(place: Place) -> str:
    """Ann's node, once it has told the service that it started."""
    place.run("accounts.create", "ann@example.org")
    node = place.let_in(place.run("nodes.token", "account=ann@example.org")["line"])
    until(lambda: kept_events.of(place.service, node, Lifecycle.START), 120, "the node tells that it started")
    return node


@pytest.fixture
def heard(place: Place) -> Iterator[Daemon]:
    """A listener on the master's bus."""
    with running(listener(place)) as daemon:
        until(lambda: "hears" in printed(daemon), 30, "somebody listens")
        yield daemon


@pytest.fixture
def stock(place: Place) -> Iterator[tuple[Minion, Daemon]]:
    """Stock Salt on the same host."""
    made, process = stock_minion(place)
    with running(process):
        place.answers("stock")
        yield made, process


@pytest.fixture
def told(place: Place, node: str, stock: tuple[Minion, Daemon], heard: Daemon) -> Iterator[Daemon]:
    """The process on the host that tells events, once both ways are known to work."""
    with running(teller(place, stock[0], 0, EVENTS)) as daemon:
        until(lambda: len(numbers(daemon)) > PER_S * LED_S, 60, "it tells")
        until(lambda: numbers(heard) and reached(place, node), 30, "both ways work")
        yield daemon


def reached(place: Place, node: str) -> int:
    """How many of the events have arrived at the service."""
    return len(kept_events.of(place.service, node, KIND))


def reboots(place: Place, stock: tuple[Minion, Daemon], told: Daemon) -> int:
    """Cuts the host's power, starts everything again and tells on; returns the number that was being told."""
    place.host.loses_power()
    for process in (told, stock[1]):
        process.stop()
    open = len(numbers(told))
    stock[1].start()
    place.machine.starts()
    told.command = teller(place, stock[0], open + 1, EVENTS).command
    told.start()
    return open


def goes_through_it(place: Place, node: str, stock: tuple[Minion, Daemon], told: Daemon) -> Cut:
    """Cuts the host off for the whole outage, with the reboot half-way."""
    with place.host.behind(NONE):
        first, ends = len(numbers(told)), time.monotonic() + OUTAGE_S
        time.sleep(OUTAGE_S / 2)
        open = reboots(place, stock, told)
        time.sleep(max(0.0, ends - time.monotonic()))
        cut = Cut(first, open, numbers(told)[-1], reached(place, node))
    assert cut.reached <= cut.first + 1, f"the network was not cut, so this shows nothing: {cut}"
    assert cut.last - cut.first > PER_S * OUTAGE_S / 2, f"little was told meanwhile, so this shows nothing: {cut}"
    return cut


def ends(told: Daemon) -> None:
    """Waits until everything has been told."""
    assert told.process is not None
    assert told.process.wait(OUTAGE_S + 60) == 0, printed(told)[-20:]


def test_nothing_is_lost_doubled_or_out_of_order_in_an_outage_where_stock_salt_loses(
    place: Place,
    node: str,
    stock: tuple[Minion, Daemon],
    told: Daemon,
    heard: Daemon,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cut = goes_through_it(place, node, stock, told)
    back = time.monotonic()
    until(lambda: reached(place, node) >= cut.last, 300, "what was told meanwhile is at the service")
    took = time.monotonic() - back
    ends(told)
    known = [n for n in range(EVENTS) if n != cut.open]
    until(lambda: reached(place, node) >= len(known), 120, "the rest is at the service")
    kept = kept_events.numbers(place.service, node, KIND)
    assert {stream: [n for n in ns if n != cut.open] for stream, ns in kept.items()} == kept_events.by_stream(
        known, STREAMS
    )

    until(
        lambda: set(known) <= set(numbers(heard)) or time.monotonic() > back + SALT_TRIES_S, 200, "Salt did what it can"
    )
    salts = Fate.of([n for n in numbers(heard) if n != cut.open], len(known))
    with capsys.disabled():
        print(f"\n{cut} of {EVENTS}, {OUTAGE_S:.0f} s cut off: all there {took:.1f} s later. Stock Salt: {salts}")
    assert max(numbers(heard)) >= cut.last, "Salt's events never came back: that is no outage, but a fault of this test"
    assert salts.lost, "stock Salt lost nothing: this test can't lose"
