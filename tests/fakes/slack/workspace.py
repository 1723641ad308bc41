"""What a Slack workspace holds: channels, messages, files, views, trigger ids, rate limits."""

import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from fakes.slack.rules import Refused

Json = dict[str, Any]
BOT = "U0BOT"


@dataclass
class Trigger:
    """A trigger id: valid once, for three seconds."""

    user: str
    at: float
    is_used: bool = False


@dataclass
class Workspace:
    """The state, guarded by one lock. `closed` channels are archived, the bot is not in those `outside` and may not write in
    those `restricted`. Without `is_customized` the app lacks the scope chat:write.customize.

    Times are seconds; `trigger_s` and `rate_s` are Slack's, and can be set.
    """

    team: str = "T1"
    trigger_s: float = 3.0
    rate_s: float = 1.0
    burst: int = 3
    messages: dict[str, list[Json]] = field(default_factory=dict)
    ephemerals: list[Json] = field(default_factory=list)
    files: dict[str, Json] = field(default_factory=dict)
    views: dict[str, Json] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, Json] = field(default_factory=dict)
    tokens: dict[str, tuple[float, float]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    restricted: set[str] = field(default_factory=set)
    is_customized: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def id(self, kind: str) -> str:
        """A new id, such as Ev000001."""
        return f"{kind}{next(self._numbers):06d}"

    def ts(self) -> str:
        """A new ts of a message: unique and increasing."""
        return f"{int(time.time())}.{next(self._numbers):06d}"

    def trigger(self, user: str) -> str:
        """A trigger id for something that a user has just done."""
        made = f"{self.id('')}.{self.id('')}.trigger"
        self.triggers[made] = Trigger(user, time.monotonic())
        return made

    def use_trigger(self, id: str) -> str:
        """Use a trigger id up; returns its user."""
        found = self.triggers.get(id)
        if found is None:
            raise Refused("invalid_trigger_id")
        if found.is_used:
            raise Refused("exchanged_trigger_id")
        if time.monotonic() - found.at > self.trigger_s:
            raise Refused("expired_trigger_id")
        found.is_used = True
        return found.user

    def check(self, channel: str) -> None:
        """Raises Refused if the bot can't speak in the channel."""
        if channel in self.outside:
            raise Refused("not_in_channel")
        if channel in self.restricted:
            raise Refused("restricted_action_read_only_channel")
        if channel in self.closed:
            raise Refused("is_archived")

    def remove(self, channel: str, ts: str) -> None:
        """Delete a message, as someone in Slack may."""
        self.messages[channel] = [one for one in self.messages[channel] if one["ts"] != ts]

    def limit(self, channel: str) -> None:
        """Enforce about one message per second and channel, with short bursts (docs.slack.dev, rate limits)."""
        self.check(channel)
        now = time.monotonic()
        tokens, at = self.tokens.get(channel, (float(self.burst), now))
        tokens = min(self.burst, tokens + (now - at) / self.rate_s)
        if tokens < 1:
            raise Refused("ratelimited", retry_after=self.rate_s)
        self.tokens[channel] = (tokens - 1, now)

    def add(self, channel: str, said: Json) -> Json:
        """Store a message; returns it with its ts."""
        if channel in self.closed:
            raise Refused("is_archived")
        kept = {"ts": self.ts(), **said, "edits": 0}
        self.messages.setdefault(channel, []).append(kept)
        return kept

    def thread(self, channel: str, ts: str) -> list[Json]:
        """The replies to a message; raises Refused if there is no such message that everyone sees."""
        everything = self.messages.get(channel, [])
        if all(message["ts"] != ts for message in everything):
            raise Refused("thread_not_found", f"{ts} in {channel}")
        return [message for message in everything if message.get("thread_ts") == ts and message["ts"] != ts]

    def begin(self, channel: str, *threads: str) -> None:
        """Make messages with these times, to reply to."""
        known = {message["ts"] for message in self.messages.get(channel, [])}
        for ts in threads:
            if ts not in known:
                self.add(channel, {"user": "U0", "text": "What began it", "ts": ts})

    def find(self, channel: str, ts: str) -> Json:
        """The message with that time."""
        for message in self.messages.get(channel, []):
            if message["ts"] == ts:
                return message
        raise Refused("message_not_found")

    def response_url(self, channel: str, user: str, message: str | None) -> str:
        """The path of a new response_url: for five uses within half an hour."""
        made = self.id("R")
        self.response_urls[made] = {
            "channel": channel, "user": user, "message": message, "uses": 0, "until": time.monotonic() + 1800,
        }  # fmt: skip
        return f"/respond/{made}"
