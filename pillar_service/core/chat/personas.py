"""How the bot talks: for each moment, several sentences to choose from. What it does is the same in every persona."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pillar_service.core.chat.chat import is_direct
from pillar_service.core.meeseeks import templates
from pillar_service.core.meeseeks.roles import DIRECT


class Moment(StrEnum):
    """When the bot says something."""

    GREETING = "greeting"
    SURE = "sure"
    CODE = "code"
    APPROVAL = "approval"
    ACCEPTED = "accepted"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"
    DENIED = "denied"
    NOT_UNDERSTOOD = "not_understood"
    NO_NODES = "no_nodes"
    AWAY = "away"


WORDS: Mapping[Moment, frozenset[str]] = {
    moment: frozenset({"user", "command", "job", "why", "nodes", *extra})
    for moment, extra in dict[Moment, tuple[str, ...]](
        {
            **dict.fromkeys(Moment, ()),
            Moment.APPROVAL: ("role", "count", "minutes"),
            Moment.DONE: ("seconds",),
            Moment.FAILED: ("seconds",),
            Moment.TIMED_OUT: ("seconds",),
        }
    ).items()
}
"""The placeholders that a moment's sentences may use, as `{user}`."""

PLAIN: Mapping[Moment, str] = {
    Moment.GREETING: "Here is what you can ask for.",
    Moment.SURE: "Run {command} on {nodes}?",
    Moment.CODE: "{command} needs your one-time code.",
    Moment.APPROVAL: "{user} asks for {command} on {nodes}: {count} of {role} must say yes within {minutes} minutes.",
    Moment.ACCEPTED: "Started {command}, job {job}.",
    Moment.WAITING: "{command} waits: {why}",
    Moment.DONE: "{user} {command} is done.",
    Moment.FAILED: "{user} {command} failed: {why}",
    Moment.TIMED_OUT: "{user} {command} did not end in time: {why}",
    Moment.CANCELLED: "{command} was cancelled.",
    Moment.DECLINED: "{user} {command} was declined: {why}",
    Moment.EXPIRED: "{user} {command} was not confirmed in time. Ask for it again.",
    Moment.DENIED: "{why}",
    Moment.NOT_UNDERSTOOD: "{why}",
    Moment.NO_NODES: "{why}",
    Moment.AWAY: "{why}",
}
"""The sentence for each moment where a persona has none of its own."""


@dataclass(frozen=True)
class Persona:
    """One way to talk: its name, its title for people, an emoji as its icon (or nothing), and its sentences by moment."""

    name: str
    title: str
    icon: str = ""
    messages: Mapping[Moment, tuple[str, ...]] = field(default_factory=dict)

    def says(
        self,
        moment: Moment,
        words: Mapping[str, Any],
        choice: int = 0,
        own: Mapping[Moment, tuple[str, ...]] | None = None,
    ) -> str:
        """The sentence for a moment.

        ``words`` fill its placeholders; ``choice`` is any number and picks one of several; ``own`` are the command's
        own sentences, which come before the persona's.
        """
        several = (own or {}).get(moment) or self.messages.get(moment) or (PLAIN[moment],)
        return templates.text(several[choice % len(several)], words)


BORING = Persona("boring", "Saltcellar")
"""The persona where no other is known: it has no sentences of its own, so it talks plainly."""


@dataclass(frozen=True)
class Personas:
    """All personas by name, the default one, and those chosen for single channels by channel id (or `direct`)."""

    known: Mapping[str, Persona] = field(default_factory=dict)
    default: str = "boring"
    channels: Mapping[str, str] = field(default_factory=dict)

    def of(self, channel: str = "") -> Persona:
        """The persona that talks in a channel, or in a direct message (its id, or the member's)."""
        return self.known.get(self.channels.get(DIRECT if is_direct(channel) else channel, self.default), BORING)
