"""Events as a node submits them: in batches, packed and signed."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt

from pillar_service.core.events.submission import Priority, Submission
from pillar_service.core.nodes import signatures

TEXT = "x" * 500
Request = tuple[bytes, str]


def events(size: int, count: int, epoch: int) -> Iterator[list[Submission]]:
    """Events of an epoch, in batches of that size."""
    place = ("org.example.thing", "thing", "default", Priority.NORMAL, time.time(), 5.0, "b", True, {"text": TEXT})
    for first in range(1, count + 1, size):
        yield [Submission(epoch, n, *place) for n in range(first, first + size)]


def requests(key: Any, node: str, size: int, count: int, epoch: int) -> list[Request]:
    """Bodies with so many events in all, each with its signed token."""
    made = []
    for number, batch in enumerate(events(size, count, epoch)):
        body = gzip.compress(json.dumps([one.event(node) for one in batch]).encode(), 6)
        claims = signatures.claims(node, body, time.time(), epoch, number)
        made.append((body, jwt.encode(claims, key, signatures.ALGORITHM, {"kid": node})))
    return made
