"""Numbers that a far host tells in two ways: by its spool to the service, and by stock Salt's events to the master."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daemons import Daemon
from far_node import Place
from salt_daemons import BIN, Minion

KIND = "org.example.outage"
PER_S, STREAMS = 5, 3

TELL = """
import contextlib, sys, time, salt.config, salt.utils.event
from pathlib import Path
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool
data, stock, kind, first, count, per_s, streams = sys.argv[1:]
spool, began = Spool(Home(Path(data))), time.monotonic()
with salt.utils.event.MinionEvent(salt.config.minion_config(stock), listen=False) as bus:
    for n in range(int(first), int(count)):
        time.sleep(max(0, began + (n - int(first)) / int(per_s) - time.monotonic()))
        spool.put(kind, "outage", {"n": n}, stream=f"s{n % int(streams)}")
        with contextlib.suppress(Exception):  # as Salt's own event.send does
            bus.fire_event({"data": {"n": n}, "tag": kind, "events": None, "pretag": None}, "fire_master")
        print(n, flush=True)
"""

HEAR = """
import sys, salt.config, salt.utils.event
opts = salt.config.master_config(sys.argv[1])
with salt.utils.event.get_event("master", opts=opts, listen=True) as bus:
    print("hears", flush=True)
    while True:
        if event := bus.get_event(tag=sys.argv[2], wait=5):
            print(event["data"]["n"], flush=True)
"""


def stock_minion(place: Place) -> tuple[Minion, Daemon]:
    """A minion on the same host, accepted by the master and without our configuration; and the process that runs it."""
    place.service.manage("node-add", "stock")
    made = Minion(place.folder / "k", "stock", place.master, masters=place.masters, include=[])
    command = [*place.host.inside, str(BIN / "salt-minion"), "-c", str(made.etc)]
    return made, Daemon("minion", command, made.folder)


def teller(place: Place, stock: Minion, first: int, count: int) -> Daemon:
    """Tells the numbers from ``first`` up to, but not including, ``count`` in both ways at a steady pace, and prints each."""
    python = place.machine.root / "opt/saltcellar/venv/bin/python"
    asked = [place.home.root, stock.etc / "minion", KIND, first, count, PER_S, STREAMS]
    command = [*place.host.inside, str(python), "-c", TELL, *map(str, asked)]
    return Daemon("told", command, place.folder, {"PYTHONPATH": ""})


def listener(place: Place) -> Daemon:
    """Prints "hears", then each number that arrives as a Salt event."""
    command = [str(BIN / "python"), "-c", HEAR, str(place.master.etc / "master"), KIND]
    return Daemon("heard", command, place.folder)


def printed(daemon: Daemon) -> list[str]:
    """The lines that the daemon printed."""
    return Path(daemon.folder, f"{daemon.name}.out").read_text().splitlines()


def numbers(daemon: Daemon) -> list[int]:
    """The numbers that the daemon printed."""
    return [int(line) for line in printed(daemon) if line.isdigit()]


@dataclass(frozen=True)
class Fate:
    """What became of a series of numbers: how many were lost, came twice, or came out of order."""

    lost: int
    doubled: int
    turned: int

    @classmethod
    def of(cls, came: Sequence[int], count: int) -> "Fate":
        """Compares the numbers that came, in order of arrival, with the ``count`` that were told."""
        there = len(set(came))
        return cls(count - there, len(came) - there, sum(one > other for one, other in itertools.pairwise(came)))
