"""Challenges of jobs, and votes on them."""

from collections.abc import Iterable

from peewee import BooleanField, CompositeKey, DoubleField, IntegerField, TextField

from pillar_service.core.meeseeks.challenges import ChallengeState
from pillar_service.store import plain
from pillar_service.store.database import JsonField, Table
from pillar_service.store.sql import read


class Challenge(Table):
    """One thing that a job waits for.

    ``binding`` ties it to exactly what it confirms; ``needed`` members of ``role`` must approve.
    """

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
    """One vote; each of those asked has one. ``selves`` are all actors that the voter was at that time."""

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
    """The open challenge of a job."""
    return Challenge.get_or_none((Challenge.job == job) & (Challenge.state == "open"))


def settle(id: str, state: ChallengeState) -> bool:
    """End an open challenge; False when it was over before, so that only one of several simultaneous answers counts."""
    settled = Challenge.update(state=str(state)).where((Challenge.id == id) & (Challenge.state == "open"))
    return bool(settled.execute() == 1)


def wait_until(id: str, expires_at: float) -> None:
    """Set the time until which an open challenge can be answered (Unix seconds)."""
    Challenge.update(expires_at=expires_at).where((Challenge.id == id) & (Challenge.state == "open")).execute()


def expired(now: float) -> list[Challenge]:
    """The open challenges that have expired."""
    return plain.found(Challenge, "WHERE state = 'open' AND expires_at < ?", now)


def any_expired(now: float) -> bool:
    """Whether any open challenge has expired. Cheap, as long polls ask it all the time."""
    return bool(read("SELECT 1 FROM challenge WHERE state = 'open' AND expires_at < ? LIMIT 1", now))


def vote(challenge: str, actor: str, selves: Iterable[str], is_yes: bool, now: float) -> None:
    """Record the vote of an actor; ``selves`` are all actors that the voter is."""
    Vote.create(challenge=challenge, actor=actor, selves=sorted(selves), is_yes=is_yes, at=now)


def votes(challenge: str) -> list[Vote]:
    """The votes on a challenge, in the order they came."""
    return list(Vote.select().where(Vote.challenge == challenge).order_by(Vote.at, Vote.actor))
