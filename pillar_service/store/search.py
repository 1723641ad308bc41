"""Search: the few rows of each kind that match a word.

Ids, actors, commands and subjects are looked up in an index. Names, addresses and labels are scanned: there are only as
many as people and machines. Tables that keep growing are searched for part of a text only among their newest rows.
"""

from collections.abc import Iterable
from typing import Any

from peewee import Expression, Field, fn

from pillar_service.core.people.agents import AgentType
from pillar_service.core.searching import NEWEST, Label, Place
from pillar_service.store.bots.bots import Bot
from pillar_service.store.database import Table
from pillar_service.store.events.events import Event
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.nodes.nodes import Node, labelled
from pillar_service.store.people.accounts import Account
from pillar_service.store.people.agents import Agent
from pillar_service.store.service.audit import Audit


def accounts(word: str, begins: str | None, limit: int) -> list[Account]:
    """Accounts whose id starts with ``begins``, or whose address or name contains the word."""
    found = Account.email.contains(word) | Agent.name.contains(word)
    rows = Account.select(Account, Agent).join(Agent).where(_or(found, _begins(Agent.id, begins)))
    return list(rows.order_by(Account.email).limit(limit))


def bots(word: str, begins: str | None, limit: int) -> list[Bot]:
    """Bots, including removed ones, whose id starts with ``begins``, or whose name or pub id contains the word."""
    found = Agent.name.contains(word) | Bot.pub_id.contains(word)
    rows = Bot.select(Bot, Agent).join(Agent).where(Agent.type == str(AgentType.BOT))
    return list(rows.where(_or(found, _begins(Agent.id, begins))).order_by(Agent.name, Agent.id).limit(limit))


def nodes(word: str, label: Label | None, limit: int) -> list[Node]:
    """Nodes whose id contains the word, or that have the label."""
    found = _or(Node.id.contains(word), None if label is None else labelled(label))
    return list(Node.select().where(found, Node.forgotten_at.is_null()).order_by(Node.id).limit(limit))


def jobs(begins: str | None, commands: Iterable[str], actors: Iterable[str], limit: int) -> list[Job]:
    """The newest jobs whose id starts with ``begins``, of these commands, or that these actors asked for.

    Parts are found only by their ids: a job can have as many parts as there are nodes.
    """
    found = [] if begins is None else _newest(Job, Job.created_at, [_begins(Job.id, begins)], limit)
    whole = Job.parent.is_null()
    found += _newest(Job, Job.created_at, [(Job.command == one) & whole for one in commands], limit)
    found += _newest(Job, Job.created_at, [(Job.actor == one) & whole for one in actors], limit)
    return _first(found, "id", "created_at", limit)


def events(place: Place | None, word: str, limit: int) -> list[Event]:
    """The newest events at that place (an event's id, or its beginning), or whose type, subject or stream contains the word."""
    texts = Event.type.contains(word) | Event.subject.contains(word) | Event.stream.contains(word)
    found = _newest(Event, Event.n, [_among_newest(Event, Event.n) & texts], limit)
    return _first(found + (_of(place, limit) if place else []), "n", "n", limit)


def _of(place: Place, limit: int) -> list[Event]:
    rows = Event.select().where(Event.node == place.node)
    for column, value in ((Event.epoch, place.epoch), (Event.sequence, place.sequence)):
        rows = rows if value is None else rows.where(column == value)
    return list(rows.order_by(Event.epoch.desc(), Event.sequence.desc()).limit(limit))


def audit(word: str, begins: str | None, actors: Iterable[str], subjects: Iterable[str], limit: int) -> list[Audit]:
    """The newest audit rows whose id starts with ``begins``, or whose action is the word, of these actors or subjects.

    Also those among the ``NEWEST`` rows whose action, subject or detail contains the word.
    """
    texts = Audit.action.contains(word) | Audit.subject.contains(word) | Audit.detail.contains(word)
    found = _newest(Audit, Audit.n, [_among_newest(Audit, Audit.n) & texts], limit)
    named = [Audit.action == word, *(Audit.actor == one for one in actors), *(Audit.subject == one for one in subjects)]
    found += _newest(Audit, Audit.at, named if begins is None else [*named, _begins(Audit.id, begins)], limit)
    return _first(found, "n", "n", limit)


def actors(names: list[str]) -> list[str]:
    """Those of these actors that appear in the audit."""
    return [name for name in names if Audit.select().where(Audit.actor == name).exists()]


def _begins(id: Field, begins: str | None) -> Expression | None:
    # Ids are hexadecimal, so all that start with a prefix sort before that prefix with a "g", under any collation.
    return None if begins is None else (id >= begins) & (id <= f"{begins}g")


def _or(one: Expression, other: Expression | None) -> Expression:
    return one if other is None else one | other


def _among_newest(table: type[Table], number: Field) -> Expression:
    oldest = table.select(number).order_by(number.desc()).offset(NEWEST - 1).limit(1)
    return number >= fn.COALESCE(oldest, 0)


def _newest(table: type[Table], at: Field, wheres: Iterable[Any], limit: int) -> list[Any]:
    """The newest rows for each condition, each by its own index: one combined condition would sort all matching rows."""
    return [row for where in wheres for row in table.select().where(where).order_by(at.desc()).limit(limit)]


def _first(found: list[Any], key: str, at: str, limit: int) -> list[Any]:
    unique = {getattr(row, key): row for row in found}.values()
    return sorted(unique, key=lambda row: getattr(row, at), reverse=True)[:limit]
