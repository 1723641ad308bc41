"""What the tests of the notifier share: messages to send, and what became of them."""

import time
from collections.abc import Callable
from typing import Any

from pillar_service.chatops.buckets import Buckets, Rate
from pillar_service.store.chat.outgoing import Outgoing
from pillar_service.usecases.chat import conversations

FAST = Buckets(posts=Rate(1000, 1000), edits=Rate(1000, 1000))


def text(said: str) -> dict[str, Any]:
    return {"text": said}


def states() -> list[str]:
    return [row.state for row in Outgoing.select().order_by(Outgoing.n)]


def wait(is_so: Callable[[], Any], patience_s: float = 10) -> None:
    until = time.monotonic() + patience_s
    while not is_so():
        rows = [(row.n, row.kind, row.state, row.tries, row.error) for row in Outgoing.select().order_by(Outgoing.n)]
        assert time.monotonic() < until, rows
        time.sleep(0.02)


def all_sent() -> bool:
    return set(states()) == {"sent"}


def begin(channel: str = "C1", thread: str | None = "1.1") -> str:
    return conversations.begin("T1", channel, thread, "U1", "boring")
