"""Ports for what tests start: below the range from which the kernel serves everybody, and apart for each worker.

A port that nobody listens on yet would otherwise be given to a connection, or to a server of another worker.
"""

import contextlib
import os
import random
import socket

WORKERS = 6
"""How many workers of one run have ports of their own."""

ALONE, IN_A_ROW = range(10_000, 20_000), range(20_000, 32_000)

_given: set[int] = set()


def free_port() -> int:
    """A free port that this process has not been given before."""
    return _first(ALONE, 1)


def free_ports(count: int) -> tuple[int, int]:
    """The first and last of ``count`` consecutive free ports that this process has not been given before."""
    first = _first(IN_A_ROW, count)
    return first, first + count - 1


def _first(among: range, count: int) -> int:
    mine = len(among) // WORKERS
    starts = among[_worker() * mine :][: mine - count]
    for _ in range(200):
        first = random.choice(starts)
        row = range(first, first + count)
        if _given.isdisjoint(row) and all(map(_is_free, row)):
            _given.update(row)
            return first
    raise AssertionError(f"There are no {count} free ports in a row from {starts[0]} to {starts[-1]}.")


def _worker() -> int:
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("0.0.0.0", port))
        return True
    return False
