"""How fast we may talk: a bucket for each channel and one for edits, and pauses that Slack asked for.

docs.slack.dev/apis/web-api/rate-limits: one message per second in a channel, with short bursts; chat.update is in tier
3, with fifty per minute in a workspace; after a 429, wait as long as Retry-After says.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pillar_service.core.chat.chat import OutgoingKind
from pillar_service.usecases.chat.sending import Item

EDITS = "edits"
POSTED = frozenset({OutgoingKind.POST, OutgoingKind.EPHEMERAL, OutgoingKind.FILE})


@dataclass(frozen=True)
class Rate:
    """How many may be sent at once, and then how many per second."""

    burst: float
    per_s: float


@dataclass
class Buckets:
    """Decides whether something may be sent now. Times are seconds of ``clock``."""

    posts: Rate = Rate(2, 0.95)
    edits: Rate = Rate(20, 0.8)
    clock: Callable[[], float] = time.monotonic
    left: dict[str, tuple[float, float]] = field(default_factory=dict)
    rests: dict[str, float] = field(default_factory=dict)

    def take(self, item: Item) -> bool:
        """Whether this may be sent now; if so, it is counted."""
        name = bucket(item)
        if name is None:
            return True
        rate, now = self.edits if name == EDITS else self.posts, self.clock()
        if self.rests.get(name, 0.0) > now:
            return False
        tokens, at = self.left.get(name, (rate.burst, now))
        tokens = min(rate.burst, tokens + (now - at) * rate.per_s)
        self.left[name] = (tokens - 1, now) if tokens >= 1 else (tokens, now)
        return tokens >= 1

    def rest(self, item: Item, wait_s: float) -> None:
        """Send nothing of this kind for so many seconds, as Slack asked."""
        name = bucket(item)
        if name is not None:
            self.rests[name] = self.clock() + wait_s

    def resting(self) -> set[str]:
        """The channels in which nothing may be posted now, which can be skipped."""
        now = self.clock()
        self.rests = {name: until for name, until in self.rests.items() if until > now}
        self.left = {name: one for name, one in self.left.items() if now - one[1] < 60 or name == EDITS}
        empty = {name for name, (tokens, at) in self.left.items() if tokens + (now - at) * self.posts.per_s < 1}
        return (set(self.rests) | empty) - {EDITS}


def bucket(item: Item) -> str | None:
    """The bucket for an entry: its channel's, the one for edits, or none."""
    if item.kind in POSTED or (item.kind is OutgoingKind.SHOW and item.message is None):
        return item.channel
    return EDITS if item.kind in (OutgoingKind.SHOW, OutgoingKind.EDIT) else None
