"""Bots."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from peewee import BigIntegerField, BooleanField, DoubleField, ForeignKeyField, IntegerField, ModelSelect, TextField

from pillar_service.core import names
from pillar_service.core.errors import NotFound
from pillar_service.core.people.agents import Actual, AgentType, Belonging, Desired
from pillar_service.store import rows
from pillar_service.store.database import JsonField, Table
from pillar_service.store.people.agents import Agent, Belongs
from pillar_service.store.sql import read


class Bot(Table):
    """A bot; ``id`` is the agent's. ``port`` is None once it is gone, and ``report`` is its node's last report on it.

    ``purge_at`` is when the data of a deleted bot is due to be deleted; None when there is nothing to delete. ``purge``: its
    node is told to delete the data. ``port_before`` is the port that a deleted bot had.
    """

    id: str
    agent = ForeignKeyField(Agent, primary_key=True, column_name="agent", object_id_name="id")
    service = TextField()
    node = TextField()
    port = IntegerField(null=True)
    image = TextField()
    memory_mb = IntegerField()
    desired = TextField()
    purge = BooleanField(default=False)
    actual = TextField(default=str(Actual.PROVISIONING))
    detail = TextField(default="")
    pub_id = TextField(null=True)
    sequence = BigIntegerField(null=True)
    version = TextField(null=True)
    reported_at = DoubleField(null=True)
    imported = JsonField(null=True)
    report = JsonField(null=True)
    purge_at = DoubleField(null=True)
    port_before = IntegerField(null=True)

    @property
    def name(self) -> str:
        """The agent's name."""
        return str(self.agent.name)


def _all() -> "ModelSelect[Bot]":
    return Bot.select(Bot, Agent).join(Agent)


def _there() -> "ModelSelect[Bot]":
    return _all().where(Agent.removed_at.is_null()).order_by(Agent.name)


COLUMNS, OF_AGENT = (tuple(one._meta.sorted_field_names) for one in (Bot, Agent))
SELECT = (
    f"SELECT {', '.join(f'b.{name}' for name in COLUMNS)}, {', '.join(f'g.{name}' for name in OF_AGENT)} "  # noqa: S608
    "FROM bot b JOIN agent g ON g.id = b.agent WHERE "
)
THERE = "g.removed_at IS NULL"


def _read(where: str, *values: object) -> list[Bot]:
    # Finds what `_all` does at a third of the cost: pages read it all the time.
    return [_made(row) for row in read(f"{SELECT}{where} ORDER BY g.name", *values)]


def _made(row: tuple[Any, ...]) -> Bot:
    bot, agent = Bot(__no_default__=True), Agent(__no_default__=True)
    bot.__data__.update(zip(COLUMNS, row, strict=False))
    agent.__data__.update(zip(OF_AGENT, row[len(COLUMNS) :], strict=True))
    bot.__rel__["agent"] = agent
    for name, kind in KINDS.items():
        if bot.__data__[name] is not None:
            bot.__data__[name] = kind(bot.__data__[name])
    return bot


KINDS: dict[str, Callable[[Any], Any]] = {"purge": bool, "imported": json.loads, "report": json.loads}
"""Converters for the columns that the databases store in another form."""


def add(agent: str, **columns: object) -> None:
    """Add the bot of an agent."""
    Bot.create(agent=agent, **columns)


def find(key: str) -> Bot | None:
    """The bot with that id (even a removed one), or else the bot that has that name now."""
    found = _read("g.id = ?", key) if names.ID.fullmatch(key) else []
    found = found or _read(f"g.type = 'bot' AND {THERE} AND g.name = ?", key)
    return found[0] if found else None


def ids() -> list[str]:
    """The ids of all bots, including removed ones."""
    return [str(id) for (id,) in read("SELECT agent FROM bot ORDER BY agent")]


def with_name(name: str) -> Bot | None:
    """The bot that has this name now."""
    found: Bot | None = _there().where((Agent.type == str(AgentType.BOT)) & (Agent.name == name)).first()
    return found


def deleted_as(name: str, now: float) -> list[Bot]:
    """The deleted bots of that name that can be brought back."""
    may_come = ~Bot.purge & (Bot.purge_at > now)
    return list(_deleted().where((Agent.type == str(AgentType.BOT)) & (Agent.name == name) & may_come))


def _deleted() -> "ModelSelect[Bot]":
    return _all().where(Agent.removed_at.is_null(False) & Bot.purge_at.is_null(False))


def deleted(owner: str) -> list[Bot]:
    """An owner's deleted bots whose data still exists, last deleted first."""
    theirs = "g.id IN (SELECT target FROM belongs WHERE source = ? AND role = ?)"
    found = _read(f"{theirs} AND g.removed_at IS NOT NULL AND b.purge_at IS NOT NULL", owner, str(Belonging.OWNER))
    return sorted(found, key=lambda bot: bot.agent.removed_at or 0, reverse=True)


def deleted_last(name: str) -> Bot | None:
    """The last deleted of the bots that had this name and whose data still exists."""
    found: Bot | None = _deleted().where(Agent.name == name).order_by(Agent.removed_at.desc()).first()
    return found


def _owned_by(person: str) -> "ModelSelect[Belongs]":
    return Belongs.select(Belongs.target).where((Belongs.source == person) & (Belongs.role == str(Belonging.OWNER)))


def purgeable(now: float) -> list[Bot]:
    """The deleted bots whose data is due to be deleted now."""
    return list(_deleted().where(Bot.purge_at <= now).order_by(Bot.purge_at))


def going(now: float) -> list[Bot]:
    """The bots that should be gone by now together with their data, but were not removed yet."""
    return list(_there().where((Bot.desired == str(Desired.ABSENT)) & (Bot.purge_at <= now)))


def put_off(seconds: float) -> None:
    """Keep the data of all deleted bots that can be brought back for so many seconds longer (or shorter, if negative)."""
    Bot.update(purge_at=Bot.purge_at + seconds).where(Bot.purge_at.is_null(False) & ~Bot.purge).execute()


def purging(node: str) -> list[Bot]:
    """The deleted bots whose data that node is told to delete."""
    return list(_deleted().where((Bot.node == node) & Bot.purge).order_by(Agent.id))


def listed(name: str | None = None, of: str | None = None, node: str | None = None) -> list[Bot]:
    """The bots that exist, by name: all, or those with that name, of that person, on that node."""
    asked = {
        "g.name = ?": name,
        "g.id IN (SELECT target FROM belongs WHERE source = ?)": of,
        "b.node = ?": node,
    }
    given = {condition: value for condition, value in asked.items() if value is not None}
    return _read(" AND ".join([THERE, *given]), *given.values())


class Glimpse(NamedTuple):
    """What a list shows of a bot; the figures come from its node's last report and are None where that has none."""

    id: str
    name: str
    description: str
    desired: str
    actual: str
    detail: str
    reported_at: float | None
    disk_bytes: int | None
    memory_bytes: int | None
    peers: int | None


READ = 2048
"""How many parsed reports a process caches: pages mostly show the same reports as five seconds ago."""

GLIMPSES = (
    "SELECT g.id, g.name, g.description, b.desired, b.actual, b.detail, b.reported_at, b.report "
    "FROM bot b JOIN agent g ON g.id = b.agent "
    "WHERE g.removed_at IS NULL AND g.id IN (SELECT target FROM belongs WHERE source = ?) ORDER BY g.name"
)


def glimpses(of: str) -> list[Glimpse]:
    """What a list shows of that person's bots, by name."""
    return [Glimpse._make((*known, *_figures(report))) for *known, report in read(GLIMPSES, of)]


@lru_cache(READ)
def _figures(report: str | None) -> tuple[int | None, int | None, int | None]:
    told = json.loads(report) if report else {}
    return told.get("disk_bytes"), told.get("memory_bytes"), told.get("peers")


@dataclass(slots=True)
class Placed:
    """A bot on a node, with only the columns that handling a report needs; ``report`` is the report to keep."""

    id: str
    desired: str
    actual: str
    pub_id: str | None
    sequence: int | None
    version: str | None
    reported_at: float | None
    detail: str
    report: Mapping[str, Any] | None = None


PLACED = (
    "SELECT bot.agent, desired, actual, pub_id, sequence, version, reported_at, detail FROM bot "
    "JOIN agent ON agent.id = bot.agent WHERE node = ? AND agent.removed_at IS NULL"
)


def placed(node: str) -> list[Placed]:
    """The bots on a node. Cheap, as each report reads them."""
    return [Placed(*row) for row in read(PLACED, node)]


def held(node: str) -> int:
    """How many bots are on a node, including deleted ones that could come back."""
    return len(holding(node))


HOLDING = "SELECT agent FROM bot WHERE node = ? AND (port IS NOT NULL OR (purge_at IS NOT NULL AND NOT purge))"


def holding(node: str) -> list[str]:
    """The ids of the bots on a node, including deleted ones that could come back, which have no port any more."""
    return [id for (id,) in read(HOLDING, node)]


def reported(heard: Iterable[Placed]) -> None:
    """Write what was last reported on these bots: report, state, what is wrong, and what the pubs said of themselves."""
    columns = {
        "actual": str,
        "detail": str,
        "reported_at": float,
        "report": str,
        "pub_id": str,
        "sequence": int,
        "version": str,
    }
    told = (
        (b.id, b.actual, b.detail, b.reported_at, json.dumps(b.report), b.pub_id, b.sequence, b.version) for b in heard
    )
    rows.update("bot", "agent", columns, told)


def was_ahead(now: float, seconds: float) -> None:
    """Move reports from after now back by so many seconds, by which the service's clock was ahead when they came."""
    Bot.update(reported_at=Bot.reported_at - seconds).where(Bot.reported_at > now).execute()


def owned(person: str) -> int:
    """How many existing bots a person owns."""
    return int(_there().where(Agent.id.in_(_owned_by(person))).count())


def with_ids(ids: Iterable[str]) -> dict[str, Bot]:
    """These bots, including removed ones, by id."""
    return {bot.id: bot for bot in _all().where(Agent.id.in_(list(ids)))}


def of_job(bot: str | None) -> Bot:
    """The bot that a job is for (its column ``bot``), even a removed one; raises NotFound when the job is for none."""
    if bot is None:
        raise NotFound("That job is for no bot.")
    return with_ids([bot])[bot]


def memory_limit(id: str) -> int:
    """A bot's memory limit in bytes: the one that its node reported, or else the one chosen for it."""
    [(report, chosen_mb)] = read("SELECT report, memory_mb FROM bot WHERE agent = ?", id)
    told = json.loads(report) if report else None
    return int((told or {}).get("memory_limit_bytes") or chosen_mb << 20)


def found_again(node: str) -> None:
    """Clear what the lost bots of a node show (that it is lost), now that the node is back."""
    Bot.update(detail="").where((Bot.node == node) & (Bot.actual == str(Actual.LOST))).execute()


def with_pub_id(pub_id: str) -> list[Bot]:
    """Every bot that has or had this identity, including removed ones."""
    return list(_all().where(Bot.pub_id == pub_id))


def change(id: str, **columns: object) -> None:
    """Change a bot's columns, if any are given."""
    if columns:
        Bot.update(**columns).where(Bot.agent == id).execute()
