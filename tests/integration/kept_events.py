"""The events that the service keeps, in the order in which it took them."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from daemons import Service


def of(service: Service, node: str, type: str) -> list[tuple[str, Any]]:
    """The stream and data of each of the node's events of this type."""
    asked = "SELECT stream, data FROM event WHERE node = ? AND type = ? ORDER BY n"
    with closing(sqlite3.connect(service.folder / "cellar.db", timeout=10)) as database:
        return [(stream, json.loads(data)) for stream, data in database.execute(asked, (node, type))]


def numbers(service: Service, node: str, type: str) -> dict[str, list[int]]:
    """The ``n`` in the data of each of these events, by stream."""
    found = defaultdict(list)
    for stream, data in of(service, node, type):
        found[stream].append(data["n"])
    return dict(found)


def by_stream(numbers: Iterable[int], streams: int) -> dict[str, list[int]]:
    """The expected result by stream, for numbers that were told in turn in the streams `s0`, `s1` …"""
    found: dict[str, list[int]] = {f"s{first}": [] for first in range(streams)}
    for n in numbers:
        found[f"s{n % streams}"].append(n)
    return found
