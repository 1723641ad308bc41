"""Conversations in chat, and which of Slack's deliveries were handled."""

from peewee import DoubleField, TextField

from pillar_service.store.database import Table


class Conversation(Table):
    """Which message, in which channel and thread, shows which job.

    ``message`` is the one that is edited in place (Slack's ``ts``, None until it is posted). ``thread`` is where all else is
    said: the thread of the user's message, or else our own message. ``preview`` is the job whose output is shown before
    somebody says yes; ``shown`` is what was shown last.
    """

    id = TextField(primary_key=True)
    team = TextField()
    channel = TextField()
    thread = TextField(null=True)
    message = TextField(null=True)
    member = TextField()
    persona = TextField()
    job = TextField(null=True)
    preview = TextField(null=True)
    shown = TextField(null=True)
    created_at = DoubleField()
    ended_at = DoubleField(null=True)


class Heard(Table):
    """Something that Slack delivered, maybe several times; ``id`` is its key, ``delivery`` the delivery that is handled."""

    id = TextField(primary_key=True)
    delivery = TextField()
    at = DoubleField()
    done_at = DoubleField(null=True)


def add(id: str, team: str, channel: str, thread: str | None, member: str, persona: str, now: float) -> None:
    """Add a conversation."""
    where = {"team": team, "channel": channel, "thread": thread}
    Conversation.create(id=id, member=member, persona=persona, created_at=now, **where)


def find(id: str) -> Conversation | None:
    """The conversation with that id."""
    return Conversation.get_or_none(Conversation.id == id)


def of_job(job: str) -> list[Conversation]:
    """The conversations that show a job, oldest first."""
    return list(Conversation.select().where(Conversation.job == job).order_by(Conversation.created_at, Conversation.id))


def open_ones(after: str, limit: int) -> list[Conversation]:
    """The first open conversations that show a job, by id, from after the id ``after``."""
    is_open = Conversation.ended_at.is_null() & Conversation.job.is_null(False)
    return list(Conversation.select().where(is_open & (Conversation.id > after)).order_by(Conversation.id).limit(limit))


def end(id: str, now: float) -> bool:
    """End a conversation; False when it was over already."""
    ours = (Conversation.id == id) & Conversation.ended_at.is_null()
    return bool(Conversation.update(ended_at=now).where(ours).execute() == 1)


def change(id: str, **columns: object) -> bool:
    """Change a conversation's columns; False when there is no such conversation."""
    return bool(Conversation.update(**columns).where(Conversation.id == id).execute() == 1)


def hear(id: str, delivery: str, now: float) -> bool:
    """Whether to handle this delivery: the first with its key, and not done. Recorded in the caller's transaction."""
    found: Heard | None = Heard.get_or_none(Heard.id == id)
    if found is None:
        Heard.create(id=id, delivery=delivery, at=now)
        return True
    return bool(found.delivery == delivery and found.done_at is None)


def was_heard(id: str, now: float) -> None:
    """Record that what has this key is done."""
    Heard.update(done_at=now).where(Heard.id == id).execute()


def forget_heard(before: float) -> None:
    """Forget the deliveries from before ``before`` (Unix seconds)."""
    Heard.delete().where(Heard.at < before).execute()
