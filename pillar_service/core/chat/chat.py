"""Outgoing chat messages: their kinds, their states, and when sending is tried again."""

from enum import StrEnum

CLAIMED_S = 30.0
"""How long, in seconds, whoever claimed a message may take to send it; after that it is in doubt, and another may check."""

TRY_FOR_S = 7 * 86_400.0
"""A message that Slack has not taken for this long (seconds) is given up: even a long outage of Slack loses no result."""

LONGEST_PAUSE_S = 60.0


class OutgoingKind(StrEnum):
    """What is sent."""

    POST = "post"
    """A new message."""
    SHOW = "show"
    """The one message of a conversation: posted once, then edited in place; if several wait, only the newest is sent."""
    EDIT = "edit"
    """A change to another message of ours, in place."""
    EPHEMERAL = "ephemeral"
    """A message that only one person sees; Slack does not promise to deliver it."""
    FILE = "file"
    MODAL = "modal"
    """A window opened with a trigger id, which is valid for three seconds."""
    VIEW = "view"
    """A change to an open window."""


class OutgoingState(StrEnum):
    """How far it is."""

    QUEUED = "queued"
    SENDING = "sending"
    """Claimed by a sender. If it stays so, it is in doubt: Slack may have it."""
    SENT = "sent"
    GIVEN_UP = "given_up"


ONCE = frozenset({OutgoingKind.POST, OutgoingKind.SHOW, OutgoingKind.FILE})
"""What must not appear twice: if the answer was lost, Slack is asked whether it is there before it is sent again."""


def is_direct(channel: str) -> bool:
    """Whether the channel is a direct message: the conversation's id or the member's own."""
    return channel.startswith(("D", "U", "W"))


def pause_s(tries: int) -> float:
    """How many seconds to wait after that many failed tries: 1, 2, 4, … up to a minute."""
    return min(2.0 ** min(max(tries - 1, 0), 20), LONGEST_PAUSE_S)


def is_hopeless(kind: OutgoingKind, created_at: float, now: float) -> bool:
    """Whether to give up: it was tried for long enough, or its trigger (a window's) is used up by the first try."""
    return kind is OutgoingKind.MODAL or now - created_at >= TRY_FOR_S
