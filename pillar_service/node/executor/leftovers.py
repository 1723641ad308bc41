"""What runs left behind: lines that could not be sent while the service was away, and processes whose warden was killed."""

import time
from collections.abc import Iterator

from pillar_service.core.errors import SaltcellarError
from pillar_service.node.door import Door
from pillar_service.node.executor import cage, records
from pillar_service.node.executor.sending import Way, is_unwanted
from pillar_service.node.paths import Home
from pillar_service.node.told import Told


def end(home: Home) -> int:
    """Kill all processes in cages of this node's runs that have no warden; returns how many such cages there were.

    When systemd stops the minion's unit, it ends everything in the unit's control group, wardens included, but nothing in
    the cages.
    """
    ended = 0
    for name, left in cage.left().items():
        record = records.named(home, name)
        if record is None or record.read() is None:
            continue  # another node's, on the same machine
        with record.held(wait=False) as ours:
            if ours:
                left.kill()
                left.remove()
                ended += 1
    return ended


def deliver(home: Home, told: Told, budget_s: float = 1.0) -> int:
    """Send lines of runs that are over, oldest first, in about ``budget_s`` seconds; returns how many were sent.

    While the service is away it just stops.
    """
    sent, until = 0, time.monotonic() + budget_s
    if not home.executor.is_dir():
        return 0
    for record in records.unsent(home):
        with record.held(wait=False) as ours:
            way = Way(record.lines, record.job, record.attempt)
            try:
                for n in _sent(way, Door(told.service), until) if ours else ():
                    sent += n
            except SaltcellarError as error:
                if not is_unwanted(error):
                    return sent
                way.forget()
    return sent


def _sent(way: Way, door: Door, until: float) -> Iterator[int]:
    """Send the lines of one run, batch by batch; yields how many each batch had."""
    while (left := until - time.monotonic()) > 0:
        if not (n := way.send(door, max(0.5, left))):
            way.forget()
            return
        yield n
