"""Chat: what can be on its way out, where it stands, and when it is tried again."""

from enum import StrEnum

CLAIMED_S = 30.0
"""Who took a message has so long to send it, in seconds; then it is in doubt, and another may look."""

TRY_FOR_S = 7 * 86_400.0
"""A message that Slack did not take for so long is given up: a long outage of Slack loses no result."""

LONGEST_PAUSE_S = 60.0


class OutgoingKind(StrEnum):
    """What is sent."""

    POST = "post"
    """A message of its own."""
    SHOW = "show"
    """The one message of a conversation: posted at first, then edited in place; of several that wait the newest wins."""
    EDIT = "edit"
    """Another message of ours, edited in place."""
    EPHEMERAL = "ephemeral"
    """A message that only one person sees; Slack promises nothing about it."""
    FILE = "file"
    MODAL = "modal"
    """A window that is opened with a trigger id, within three seconds or never."""
    VIEW = "view"
    """A window that is open already, changed."""


class OutgoingState(StrEnum):
    """Where it stands."""

    QUEUED = "queued"
    SENDING = "sending"
    """Somebody took it. One that stays so is in doubt: Slack may have it."""
    SENT = "sent"
    GIVEN_UP = "given_up"


ONCE = frozenset({OutgoingKind.POST, OutgoingKind.SHOW, OutgoingKind.FILE})
"""What must not be there twice, and is looked for before it is sent again when the answer was lost."""


def is_direct(channel: str) -> bool:
    """Whether that is where one member is written to directly: by the conversation's id, or by the member's own."""
    return channel.startswith(("D", "U", "W"))


def pause_s(tries: int) -> float:
    """For how many seconds to wait after that many failed tries: 1, 2, 4, … up to a minute."""
    return min(2.0 ** min(max(tries - 1, 0), 20), LONGEST_PAUSE_S)


def is_hopeless(kind: OutgoingKind, created_at: float, now: float) -> bool:
    """Whether it has been tried for long enough; a window's trigger is used up by the first try."""
    return kind is OutgoingKind.MODAL or now - created_at >= TRY_FOR_S
