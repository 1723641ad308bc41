"""Conversations: where in Slack a job is shown."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from pillar_service.core.errors import NotFound
from pillar_service.store.chat import conversations
from pillar_service.store.database import transaction
from pillar_service.usecases.chat import outbox, turns


@dataclass(frozen=True)
class Conversation:
    """Where, with whom and about which job. ``thread`` and ``message`` are Slack's timestamps (``ts``), as text."""

    id: str
    team: str
    channel: str
    thread: str | None
    message: str | None
    member: str
    persona: str
    job: str | None
    preview: str | None
    shown: str | None
    created_at: float


def _told(row: conversations.Conversation) -> Conversation:
    where = (row.id, row.team, row.channel, row.thread, row.message, row.member)
    return Conversation(*where, row.persona, row.job, row.preview, row.shown, row.created_at)


def begin(
    team: str,
    channel: str,
    thread: str | None,
    member: str,
    persona: str,
    job: str | None = None,
    preview: str | None = None,
) -> str:
    """Begin a conversation with a member of a team; returns its id.

    It is in ``thread`` or, if None, in a thread that its first message makes. It shows a job, after the output of
    another, the ``preview``.
    """
    id = turns.new_id()
    with transaction():
        if conversations.find(id) is None:
            conversations.add(id, team, channel, thread, member, persona, time.time())
            conversations.change(id, job=job, preview=preview)
    return id


def find(id: str) -> Conversation:
    """Return the conversation with that id; raises NotFound."""
    row = conversations.find(id)
    if row is None:
        raise NotFound("This conversation is no longer known here: ask again.")
    return _told(row)


def of_job(job: str) -> list[Conversation]:
    """The conversations that show a job, oldest first."""
    return [_told(row) for row in conversations.of_job(job)]


def open_ones(after: str, limit: int) -> list[Conversation]:
    """The open conversations that show a job, the first ones with ids after ``after``."""
    return [_told(row) for row in conversations.open_ones(after, limit)]


def show(id: str, shown: str, body: outbox.Body, say: Callable[[str | None], object] | None = None) -> bool:
    """Let a conversation's message show this body, unless it already does; returns whether it is new.

    ``shown`` is a mark that differs whenever the body does. ``say`` gets the mark shown before, and queues what else is
    said.
    """
    with transaction():
        row = conversations.find(id)
        if row is None or row.ended_at is not None or row.shown == shown:
            return False
        before = row.shown
        conversations.change(id, shown=shown)
        outbox.show(id, body)
        if say is not None:
            say(before)
        return True


def end(id: str, body: outbox.Body, say: Callable[[], object]) -> bool:
    """End a conversation, once: its message shows this body for good, and ``say`` queues what else is said.

    Returns whether this call ended it.
    """
    with transaction():
        if not conversations.end(id, time.time()):
            return False
        outbox.show(id, body)
        say()
        return True
