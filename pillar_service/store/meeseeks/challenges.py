"""Challenges of jobs, and the votes on them."""

from collections.abc import Iterable

from peewee import BooleanField, CompositeKey, DoubleField, IntegerField, TextField

from pillar_service.core.meeseeks.challenges import ChallengeState
from pillar_service.store import plain
from pillar_service.store.database import JsonField, Table
from pillar_service.store.sql import read


class Challenge(Table):
    """One thing that a job waits for. ``binding`` is what it is good for; a ``role`` must approve ``needed`` times."""

    id = TextField(primary_key=True)
    job = TextField()
    position = IntegerField()
    kind = TextField()
    state = TextField(default=str(ChallengeState.OPEN))
    binding = TextField()
    role = TextField(null=True)
    needed = IntegerField(default=1)
    created_at = DoubleField()
    expires_at = DoubleField()


class Vote(Table):
    """What one of those asked said; each has one vote. ``selves`` are the actors who they were then."""

    challenge = TextField()
    actor = TextField()
    is_yes = BooleanField()
    at = DoubleField()
    selves = JsonField(default=list)

    class Meta:
        primary_key = CompositeKey("challenge", "actor")


def add(**columns: object) -> Challenge:
    """Add an open challenge."""
    return Challenge.create(**columns)


def open_of(job: str) -> Challenge | None:
    """What a job waits for now."""
    return Challenge.get_or_none((Challenge.job == job) & (Challenge.state == "open"))


def settle(id: str, state: ChallengeState) -> bool:
    """An open challenge is over; False when it was before: of many answers at once, one counts."""
    settled = Challenge.update(state=str(state)).where((Challenge.id == id) & (Challenge.state == "open"))
    return bool(settled.execute() == 1)


def wait_until(id: str, expires_at: float) -> None:
    """Let an open challenge be answered until then."""
    Challenge.update(expires_at=expires_at).where((Challenge.id == id) & (Challenge.state == "open")).execute()


def expired(now: float) -> list[Challenge]:
    """The open challenges whose time has passed."""
    return plain.found(Challenge, "WHERE state = 'open' AND expires_at < ?", now)


def any_expired(now: float) -> bool:
    """Whether a challenge's time has passed. Cheap: long polls ask it all the time."""
    return bool(read("SELECT 1 FROM challenge WHERE state = 'open' AND expires_at < ? LIMIT 1", now))


def vote(challenge: str, actor: str, selves: Iterable[str], is_yes: bool, now: float) -> None:
    """Write down a vote of an actor who is these others, too."""
    Vote.create(challenge=challenge, actor=actor, selves=sorted(selves), is_yes=is_yes, at=now)


def votes(challenge: str) -> list[Vote]:
    """The votes, in the order they came."""
    return list(Vote.select().where(Vote.challenge == challenge).order_by(Vote.at, Vote.actor))
