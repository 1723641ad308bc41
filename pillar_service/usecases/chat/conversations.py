"""Conversations: where in Slack a job is shown."""

import time
from dataclasses import dataclass

from pillar_service.core.errors import NotFound
from pillar_service.store import conversations
from pillar_service.store.database import transaction
from pillar_service.usecases.chat import turns


@dataclass(frozen=True)
class Conversation:
    """Where, with whom and about which job. Times of Slack (``thread``, ``message``) are its own texts (``ts``)."""

    id: str
    team: str
    channel: str
    thread: str | None
    message: str | None
    member: str
    persona: str
    job: str | None
    shown: str | None
    created_at: float


def _told(row: conversations.Conversation) -> Conversation:
    where = (row.id, row.team, row.channel, row.thread, row.message, row.member)
    return Conversation(*where, row.persona, row.job, row.shown, row.created_at)


def begin(team: str, channel: str, thread: str | None, member: str, persona: str, job: str | None = None) -> str:
    """Begin one with a member of a team, in a thread or, if None, in one that its first message makes; returns its id."""
    id = turns.new_id()
    with transaction():
        if conversations.find(id) is None:
            conversations.add(id, team, channel, thread, member, persona, time.time())
        if job is not None:
            conversations.change(id, job=job)
    return id


def find(id: str) -> Conversation:
    """The conversation with that id; raises NotFound."""
    row = conversations.find(id)
    if row is None:
        raise NotFound("This conversation is not known here any more: ask again.")
    return _told(row)


def of_job(job: str) -> list[Conversation]:
    """Those that show a job, the oldest first."""
    return [_told(row) for row in conversations.of_job(job)]


def open_ones(limit: int = 500) -> list[Conversation]:
    """Those that show a job and are not over."""
    return [_told(row) for row in conversations.open_ones(limit)]


def shows(id: str, job: str) -> None:
    """From now on it shows that job."""
    with transaction():
        conversations.change(id, job=job)


def was_shown(id: str, shown: str) -> None:
    """Keep what of the job its message shows: any text that differs when something else is to be shown."""
    with transaction():
        conversations.change(id, shown=shown)


def end(id: str) -> None:
    """It is over: nothing more is shown in it."""
    with transaction():
        conversations.change(id, ended_at=time.time())
