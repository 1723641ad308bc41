"""Agents, and which persons may act for which bots."""

from collections.abc import Iterable

from peewee import CompositeKey, DoubleField, TextField

from pillar_service.core.people.agents import AgentType, Belonging
from pillar_service.store.database import Table


class Agent(Table):
    """A person or a bot. ``removed_at`` is set when it is removed; its name is free again then."""

    id = TextField(primary_key=True)
    type = TextField()
    name = TextField()
    description = TextField(default="")
    created_at = DoubleField()
    removed_at = DoubleField(null=True)


class Belongs(Table):
    """``source`` (a person) may act for ``target`` (a bot), as owner or member."""

    source = TextField()
    target = TextField()
    role = TextField()

    class Meta:
        primary_key = CompositeKey("source", "target")


def add(id: str, type: AgentType, name: str, description: str, now: float) -> Agent:
    """Add an agent."""
    return Agent.create(id=id, type=str(type), name=name, description=description, created_at=now)


def change(id: str, **columns: object) -> None:
    """Change an agent's columns."""
    Agent.update(**columns).where(Agent.id == id).execute()


def join(person: str, bot: str, role: Belonging) -> None:
    """Let a person act for a bot, in that role."""
    Belongs.create(source=person, target=bot, role=str(role))


def part_all(bot: str) -> None:
    """Let nobody act for this bot."""
    Belongs.delete().where(Belongs.target == bot).execute()


def part(person: str, bot: str) -> None:
    """Stop a person from acting for a bot."""
    Belongs.delete().where((Belongs.source == person) & (Belongs.target == bot)).execute()


def part_from_others(person: str, bots: Iterable[str]) -> None:
    """Stop a person from acting for any bots but these."""
    Belongs.delete().where((Belongs.source == person) & Belongs.target.not_in(list(bots))).execute()


def role_for(person: str, bot: str) -> str | None:
    """A person's role for a bot, or None."""
    found = Belongs.get_or_none((Belongs.source == person) & (Belongs.target == bot))
    return None if found is None else found.role


def bots_of(person: str) -> list[str]:
    """The ids of the bots that a person may act for, including deleted ones whose data still exists."""
    return [row.target for row in Belongs.select().where(Belongs.source == person)]


def people_of(bots: Iterable[str], role: Belonging | None = None) -> list[Belongs]:
    """Who may act for these bots, in that role, or (None) in any."""
    found = Belongs.select().where(Belongs.target.in_(list(bots)))
    return list(found if role is None else found.where(Belongs.role == str(role)))


def change_role(person: str, bot: str, role: Belonging) -> None:
    """Change a person's role for a bot."""
    Belongs.update(role=str(role)).where((Belongs.source == person) & (Belongs.target == bot)).execute()
