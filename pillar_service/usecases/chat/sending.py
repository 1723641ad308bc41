"""Sending what is in the outbox, by one process at a time: the one that has the lease NOTIFYING.

Slack has no key that makes posting idempotent (chat.postMessage; slack-api-specs#10). An attempt whose answer was lost
is in doubt: whoever tries again is told so, and checks by the id in the message's metadata whether Slack has it.
"""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from pillar_service.core.chat import chat as rules
from pillar_service.core.chat.chat import OutgoingKind, OutgoingState
from pillar_service.core.chat.personas import BORING, Persona, Personas
from pillar_service.store.chat import conversations, outgoing
from pillar_service.store.database import transaction
from pillar_service.usecases.chat import outbox
from pillar_service.usecases.jobs import leases
from pillar_service.usecases.meeseeks import catalogue

NOTIFYING = "notifying"
KEPT_S = 86_400.0
"""How long finished entries are kept, in seconds, without their bodies."""

NOBODY = Personas()
UNREADABLE = "It can't be read any more, because this place has a new secret key."

UNREACHABLE = (
    *("not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived", "invalid_channel"),
    *("restricted_action", "posting_to_general_channel_denied"),
)
"""Slack's errors, or how they begin, for a channel in which we can't speak: then we write to the asker directly."""

UNANSWERABLE = ("thread_not_found", "cannot_reply_to_message", "message_not_found")
"""Slack's errors for a message that is gone or can't be replied to: then it is said outside of the thread."""

MOVED = frozenset({OutgoingKind.POST, OutgoingKind.SHOW, OutgoingKind.FILE, OutgoingKind.EPHEMERAL})
"""What is said elsewhere if it can't be said in its place."""


@dataclass(frozen=True)
class Item:
    """An entry that is due. Once taken, it is ours to send until ``until`` (Unix seconds), and has its ``body``.

    ``speaker`` is the persona that says it.
    """

    id: str
    lane: str
    kind: OutgoingKind
    conversation: str | None
    channel: str | None
    thread: str | None
    message: str | None
    member: str | None
    body: dict[str, Any]
    mark: str | None
    tries: int
    created_at: float
    until: float
    is_in_doubt: bool
    speaker: Persona = BORING


def leads(holder: str) -> bool:
    """Take or renew the lease; returns whether this holder may send now."""
    now = time.time()
    if leases.holds(NOTIFYING, holder, now) and not leases.is_due(NOTIFYING, holder, now):
        return True
    with transaction():
        return leases.take(NOTIFYING, holder, now) is not None


def heads(limit: int, resting: Collection[str] = (), busy: Collection[str] = ()) -> list[Item]:
    """The entries that are due and first in their lanes, oldest first, without resting channels and busy lanes."""
    return [_item(row, row.not_before, {}) for row in outgoing.heads(time.time(), limit, resting, busy)]


def _item(row: outgoing.Outgoing, until: float, body: dict[str, Any], known: Personas = NOBODY) -> Item:
    return Item(
        id=row.id,
        lane=row.lane,
        kind=OutgoingKind(row.kind),
        conversation=row.conversation,
        body=body,
        mark=row.mark,
        tries=row.tries,
        created_at=row.created_at,
        until=until,
        is_in_doubt=row.state == OutgoingState.SENDING,
        **_where(row, known),
    )


def _where(row: outgoing.Outgoing, known: Personas) -> dict[str, Any]:
    """Where an entry is said, to whom and by whom; for a conversation, as that stands now."""
    speaker = known.of(row.channel or "")
    if row.conversation is None:
        where = {"channel": row.channel, "thread": row.thread, "message": row.message, "member": row.member}
        return where | {"speaker": speaker}
    about = conversations.find(row.conversation)
    if about is None:
        return {"channel": row.channel, "thread": None, "message": None, "member": None, "speaker": speaker}
    where = {"channel": about.channel, "thread": about.thread or about.message, "message": about.message}
    return where | {"member": about.member, "speaker": known.known.get(about.persona, speaker)}


def take(holder: str, chosen: Iterable[Item]) -> list[Item]:
    """Take these entries if the holder still has the lease; returns those taken, with their current bodies."""
    until, taken, known = time.time() + rules.CLAIMED_S, [], catalogue.current().personas
    with transaction():
        if not leases.holds(NOTIFYING, holder, time.time()):
            return []
        for item in chosen:
            row = outgoing.find(item.id)  # its body may be newer than when it was looked at
            if row is not None and outgoing.take(item.id, item.tries, until):
                row.tries += 1
                body = outbox.opened(row.id, row.body)
                if body is None:
                    columns = {"state": str(OutgoingState.GIVEN_UP), "ended_at": time.time(), "body": {}}
                    outgoing.change(row.id, row.tries, error=UNREADABLE, **columns)
                else:
                    taken.append(_item(row, until, body, known))
    return taken


def mark(item: Item, mark: str) -> None:
    """Save what Slack knows an entry by (a file's id), before it is visible to all."""
    with transaction():
        outgoing.change(item.id, item.tries, mark=mark)


def sent(item: Item, message: str | None = None, channel: str | None = None) -> None:
    """Note that Slack has it, under that ``ts``, in that channel; its body is deleted.

    Its conversation learns its message and thread and, if it was addressed by a person's id, the channel of direct
    messages.
    """
    over = {"state": str(OutgoingState.SENT), "ended_at": time.time(), "body": {}, "error": None}
    with transaction():
        if not outgoing.change(item.id, item.tries, **over) or message is None or item.conversation is None:
            return
        if item.kind is OutgoingKind.SHOW:
            conversations.change(item.conversation, message=message)
        if item.thread is None:
            conversations.change(item.conversation, thread=message)
        if channel is not None:
            conversations.change(item.conversation, channel=channel)


def failed(
    item: Item, reason: str, *, is_permanent: bool = False, is_doubtful: bool = False, wait_s: float = 0
) -> None:
    """Note that Slack does not have it, or may have it (``is_doubtful``): try again after at least ``wait_s`` seconds.

    It is given up if trying again is pointless (``is_permanent``), or after a week; the reason is kept. What Slack
    refuses in its place is said elsewhere, and its conversation continues there.
    """
    now = time.time()
    state = OutgoingState.SENDING if is_doubtful else OutgoingState.QUEUED
    pause = max(wait_s, 0.0 if wait_s else rules.pause_s(item.tries))
    columns = {"state": str(state), "not_before": now + pause, "error": reason[:500]}
    elsewhere = _elsewhere(item, reason) if is_permanent else None
    if elsewhere is not None:
        kind = OutgoingKind.POST if item.kind is OutgoingKind.EPHEMERAL and elsewhere == item.member else item.kind
        columns |= {"state": str(OutgoingState.QUEUED), "not_before": now, "kind": str(kind)}
        columns |= {"channel": elsewhere, "thread": None}
    elif is_permanent or rules.is_hopeless(item.kind, item.created_at, now):
        columns |= {"state": str(OutgoingState.GIVEN_UP), "ended_at": now, "body": {}}
    with transaction():
        if not outgoing.change(item.id, item.tries, **columns):
            return
        if elsewhere is not None and item.conversation is not None:
            conversations.change(item.conversation, channel=elsewhere, thread=None, message=None)
            outgoing.move(item.conversation, item.conversation, elsewhere)
        elif "ended_at" in columns:
            _excuse(item)


def _elsewhere(item: Item, reason: str) -> str | None:
    """Where to say what Slack refused, outside of any thread: in the same channel, to the member, or nowhere (None)."""
    if item.kind not in MOVED:
        return None
    if any(word in reason for word in UNANSWERABLE) and (item.thread or item.message):
        return item.channel
    # A slash command can also be typed in direct messages between others, where we can't speak either.
    return item.member if any(word in reason for word in UNREACHABLE) and item.channel != item.member else None


def _excuse(item: Item) -> None:
    # Whoever pressed a button should not wait for a window that can't be opened.
    if item.kind is OutgoingKind.MODAL and item.body.get("otherwise") and item.channel and item.member:
        outbox.whisper(item.channel, item.member, {"text": item.body["otherwise"]})


def forget() -> None:
    """Delete entries that finished more than KEPT_S seconds ago."""
    with transaction():
        outgoing.forget(time.time() - KEPT_S)
