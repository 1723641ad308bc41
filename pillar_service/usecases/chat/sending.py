"""Sending what is in the outbox: by one process at a time, which has the lease NOTIFYING.

Slack has no key that makes posting idempotent (chat.postMessage; slack-api-specs#10). A try whose answer was lost is
in doubt: whoever tries again is told so, and looks whether Slack has it, by the id in the message's metadata.
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
"""For how long what is over is kept, in seconds, without what it said."""

NOBODY = Personas()
UNREADABLE = "It can't be read any more, for the place has another secret key now."

UNREACHABLE = (
    *("not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived", "invalid_channel"),
    *("restricted_action", "posting_to_general_channel_denied"),
)
"""Slack's words for a channel in which we can't speak, or how they begin: then who asked is spoken to directly."""

UNANSWERABLE = ("thread_not_found", "cannot_reply_to_message", "message_not_found")
"""Slack's words for a message that nobody can reply to, or that is gone: then it is said beside it."""

MOVED = frozenset({OutgoingKind.POST, OutgoingKind.SHOW, OutgoingKind.FILE, OutgoingKind.EPHEMERAL})
"""What is said elsewhere when it can't be said where it should be."""


@dataclass(frozen=True)
class Item:
    """One that is due; once it is taken it is ours to send until ``until`` (seconds since 1970), and has its ``body``.

    ``speaker`` is who says it.
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
    """Take the lease, or keep it; whether the holder may send now."""
    now = time.time()
    if leases.holds(NOTIFYING, holder, now) and not leases.is_due(NOTIFYING, holder, now):
        return True
    with transaction():
        return leases.take(NOTIFYING, holder, now) is not None


def heads(limit: int, resting: Collection[str] = (), busy: Collection[str] = ()) -> list[Item]:
    """What is first in its lane and due, the oldest first; not to channels that rest, not of lanes that are busy."""
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
    """Where it is said, to whom and by whom: as its conversation stands now, if it is of one."""
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
    """Take these, if the holder still has the lease; those that are ours now, as they are now."""
    until, taken, known = time.time() + rules.CLAIMED_S, [], catalogue.current().personas
    with transaction():
        if not leases.holds(NOTIFYING, holder, time.time()):
            return []
        for item in chosen:
            row = outgoing.find(item.id)  # what it says may be newer than when it was looked at
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
    """Keep what it can be found by at Slack, before it is there for all to see (a file's id)."""
    with transaction():
        outgoing.change(item.id, item.tries, mark=mark)


def sent(item: Item, message: str | None = None, channel: str | None = None) -> None:
    """Slack has it, as that ``ts``, in that channel; what it said is forgotten.

    A conversation learns its message, its thread, and of a person's id the channel of the direct messages with them.
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
    """Slack has it not, or perhaps (``is_doubtful``): try again after a pause of at least ``wait_s`` seconds.

    It is given up when that is pointless (``is_permanent``) or it was tried for a week; the reason is kept. What Slack
    won't take where it should be said is said elsewhere, and its conversation goes on there.
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
    """Where something that Slack refused can be said, in no thread: there, or to the member directly."""
    if item.kind not in MOVED:
        return None
    if any(word in reason for word in UNANSWERABLE) and (item.thread or item.message):
        return item.channel
    is_direct = rules.is_direct(str(item.channel))
    return item.member if any(word in reason for word in UNREACHABLE) and not is_direct else None


def _excuse(item: Item) -> None:
    # Whoever pressed a button whose window can't be opened any more should not wait for it.
    if item.kind is OutgoingKind.MODAL and item.body.get("otherwise") and item.channel and item.member:
        outbox.whisper(item.channel, item.member, {"text": item.body["otherwise"]})


def forget() -> None:
    """Forget what is over for long enough."""
    with transaction():
        outgoing.forget(time.time() - KEPT_S)
