"""Messages on their way to Slack."""

from collections.abc import Collection
from typing import Any

from peewee import JOIN, BigIntegerField, Case, DoubleField, Expression, IntegerField, TextField, fn

from pillar_service.core.chat.chat import OutgoingKind, OutgoingState
from pillar_service.store.chat.conversations import Conversation
from pillar_service.store.database import JsonField, Table
from pillar_service.store.due import is_due

OPEN = (str(OutgoingState.QUEUED), str(OutgoingState.SENDING))


class Outgoing(Table):
    """One thing to send. ``n`` grows; of each ``lane``, only the open one with the lowest ``n`` is sent.

    ``message`` is the message to edit; ``mark`` is what it can be found by at Slack, besides its id.
    """

    id = TextField(primary_key=True)
    n = BigIntegerField(unique=True)
    lane = TextField()
    kind = TextField()
    conversation = TextField(null=True)
    channel = TextField(null=True)
    thread = TextField(null=True)
    message = TextField(null=True)
    member = TextField(null=True)
    body = JsonField()
    mark = TextField(null=True)
    state = TextField(default=str(OutgoingState.QUEUED))
    tries = IntegerField(default=0)
    created_at = DoubleField()
    not_before = DoubleField()
    ended_at = DoubleField(null=True)
    error = TextField(null=True)


def add(id: str, lane: str, kind: OutgoingKind, body: dict[str, Any], now: float, **columns: str | None) -> None:
    """Add one at the end, in the caller's transaction: only one writes at a time, so numbers don't collide."""
    last = Outgoing.select(fn.MAX(Outgoing.n)).scalar() or 0
    times = {"created_at": now, "not_before": now}
    Outgoing.create(id=id, n=last + 1, lane=lane, kind=str(kind), body=body, **times, **columns)


def find(id: str) -> Outgoing | None:
    """The one with that id."""
    return Outgoing.get_or_none(Outgoing.id == id)


def waiting_show(conversation: str) -> Outgoing | None:
    """The queued update of what a conversation's message shows."""
    return _newest_waiting((Outgoing.conversation == conversation) & (Outgoing.kind == str(OutgoingKind.SHOW)))


def _newest_waiting(ours: Expression) -> Outgoing | None:
    # An older one is queued, too, if sending it failed after the newer one was added.
    rows = Outgoing.select().where(ours & (Outgoing.state == str(OutgoingState.QUEUED)))
    found: Outgoing | None = rows.order_by(Outgoing.n.desc()).first()
    return found


def waiting_edit(channel: str, message: str) -> Outgoing | None:
    """The queued edit of a message."""
    ours = (Outgoing.channel == channel) & (Outgoing.message == message) & (Outgoing.kind == str(OutgoingKind.EDIT))
    return _newest_waiting(ours)


def put_body(id: str, body: dict[str, Any]) -> None:
    """Replace the body of a queued one."""
    Outgoing.update(body=body).where((Outgoing.id == id) & (Outgoing.state == str(OutgoingState.QUEUED))).execute()


def heads(now: float, limit: int, resting: Collection[str], busy: Collection[str]) -> list[Outgoing]:
    """Those that are first in their lane and due, except to ``resting`` channels and of ``busy`` lanes.

    Oldest first, but edits after all else: there may be many, and they are sent slowly.
    """
    firsts = Outgoing.select(fn.MIN(Outgoing.n)).where(Outgoing.state.in_(OPEN)).group_by(Outgoing.lane)
    rows = Outgoing.select().where(Outgoing.n.in_(firsts) & is_due(Outgoing.not_before, now))
    if resting:
        rows = rows.where(Outgoing.channel.is_null() | Outgoing.channel.not_in(list(resting)))
    if busy:
        rows = rows.where(Outgoing.lane.not_in(list(busy)))
    shown = Conversation.message.is_null(False)
    is_edit = (Outgoing.kind == str(OutgoingKind.EDIT)) | ((Outgoing.kind == str(OutgoingKind.SHOW)) & shown)
    rows = rows.join(Conversation, JOIN.LEFT_OUTER, on=(Outgoing.conversation == Conversation.id))
    return list(rows.order_by(Case(None, [(is_edit, 1)], 0), Outgoing.n).limit(limit))


def take(id: str, tries: int, until: float) -> bool:
    """Take one for sending, reserved until ``until`` (Unix seconds); False when another took it first."""
    ours = (Outgoing.id == id) & (Outgoing.tries == tries) & Outgoing.state.in_(OPEN)
    columns = {"state": str(OutgoingState.SENDING), "tries": tries + 1, "not_before": until}
    return bool(Outgoing.update(**columns).where(ours).execute() == 1)


def change(id: str, tries: int, **columns: object) -> bool:
    """Record what became of a try; False when there was a newer one."""
    ours = (Outgoing.id == id) & (Outgoing.tries == tries) & (Outgoing.state == str(OutgoingState.SENDING))
    return bool(Outgoing.update(**columns).where(ours).execute() == 1)


def move(conversation: str, lane: str, channel: str) -> None:
    """Redirect what is still open of a conversation to a channel, in another lane."""
    ours = (Outgoing.conversation == conversation) & Outgoing.state.in_(OPEN)
    Outgoing.update(lane=lane, channel=channel).where(ours).execute()


def forget(ended_before: float) -> None:
    """Forget those that ended before ``ended_before`` (Unix seconds)."""
    Outgoing.delete().where(Outgoing.ended_at < ended_before).execute()
