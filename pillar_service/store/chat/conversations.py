"""Conversations in chat, and what was heard in them."""

from peewee import DoubleField, TextField

from pillar_service.store.database import Table


class Conversation(Table):
    """Which message, in which channel and thread, shows which job.

    ``message`` is the one that is edited in place, by Slack's ``ts``, once it is there; ``thread`` is where all else is
    said: known from the start when somebody wrote, else our message. ``preview`` is the job whose output is shown before
    somebody says yes, ``shown`` tells what was shown last.
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
    """Something that Slack delivered; ``id`` is its key, ``delivery`` which of its deliveries is worked on."""

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
    """The conversations that show a job, the oldest first."""
    return list(Conversation.select().where(Conversation.job == job).order_by(Conversation.created_at, Conversation.id))


def open_ones(after: str, limit: int) -> list[Conversation]:
    """Those that show a job and are not over, the first whose ids come after that one."""
    is_open = Conversation.ended_at.is_null() & Conversation.job.is_null(False)
    return list(Conversation.select().where(is_open & (Conversation.id > after)).order_by(Conversation.id).limit(limit))


def end(id: str, now: float) -> bool:
    """It is over; False when it was before."""
    ours = (Conversation.id == id) & Conversation.ended_at.is_null()
    return bool(Conversation.update(ended_at=now).where(ours).execute() == 1)


def change(id: str, **columns: object) -> bool:
    """Write columns of a conversation; False when there is none."""
    return bool(Conversation.update(**columns).where(Conversation.id == id).execute() == 1)


def hear(id: str, delivery: str, now: float) -> bool:
    """Whether this delivery is to be worked on: the first of its key, and not done. Kept in the caller's transaction."""
    found: Heard | None = Heard.get_or_none(Heard.id == id)
    if found is None:
        Heard.create(id=id, delivery=delivery, at=now)
        return True
    return bool(found.delivery == delivery and found.done_at is None)


def was_heard(id: str, now: float) -> None:
    """It is done."""
    Heard.update(done_at=now).where(Heard.id == id).execute()


def forget_heard(before: float) -> None:
    """Forget what was heard before that."""
    Heard.delete().where(Heard.at < before).execute()
