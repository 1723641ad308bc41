"""Runs: each is one publish to one node, for one job or for several that converge the node."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from peewee import SQL, BooleanField, DoubleField, IntegerField, TextField

from pillar_service.store import plain, rows
from pillar_service.store.database import JsonField, Table
from pillar_service.store.jobs.jobs import OPEN_IN_SQL
from pillar_service.store.sql import places, read

CLAIMED, RUNNING, ENDED = "claimed", "running", "over"

OPEN = SQL("state <> 'over'")
"""Written out, not bound: with bound values SQLite does not see that a partial index holds these rows."""


class Run(Table):
    """One publish to a node, or (``node`` is None) one runner on the master.

    ``expires_at`` is when its claim expires, and once it runs, its deadline (Unix seconds). A run that was ``taken_over``
    may have been published already by the previous master.
    """

    id = TextField(primary_key=True)
    node = TextField(null=True)
    function = TextField()
    arguments = JsonField()
    keywords = JsonField()
    master = TextField()
    jid = TextField(null=True)
    state = TextField(default=CLAIMED)
    timeout_s = IntegerField()
    retry_safe = BooleanField()
    created_at = DoubleField()
    expires_at = DoubleField()
    taken_over = BooleanField(default=False)


COLUMNS: dict[str, type] = {
    "id": str, "node": str, "function": str, "arguments": str, "keywords": str, "master": str, "state": str,
    "timeout_s": int, "retry_safe": bool, "created_at": float, "expires_at": float, "taken_over": bool,
}  # fmt: skip
"""The columns of a claimed run, with their types."""


def new(**columns: object) -> Run:
    """Make a claimed run without adding it."""
    return plain.new(Run, columns)


def add(made: Iterable[Run]) -> None:
    """Add claimed runs, many in one statement."""
    rows.insert_plain("run", COLUMNS, (_kept(run.__data__) for run in made), "")


def _kept(told: dict[str, Any]) -> list[Any]:
    kept = {**told, "arguments": json.dumps(told["arguments"]), "keywords": json.dumps(told["keywords"])}
    return [kept[name] for name in COLUMNS]


def find(id: str) -> Run | None:
    """The run with that id."""
    return plain.first(Run, "WHERE id = ?", id)


class Standing(NamedTuple):
    """How a run stands: all that decides whether it may start, or is waited for."""

    id: str
    node: str | None
    master: str
    state: str
    jid: str | None
    timeout_s: int


def standing(ids: Iterable[str]) -> dict[str, Standing]:
    """How these runs stand, by id. Cheap, as it does not read what they call."""
    these = list(ids)
    told = f"SELECT {', '.join(Standing._fields)} FROM run WHERE id IN ({places(len(these))})"  # noqa: S608
    return {row[0]: Standing(*row) for row in read(told, *these)}


def carrying(ids: Iterable[str]) -> set[str]:
    """Those of these runs that carry out an open job."""
    these = list(ids)
    told = f"SELECT DISTINCT run FROM job WHERE run IN ({places(len(these))}) AND state || '' IN ({OPEN_IN_SQL})"  # noqa: S608
    return {run for (run,) in read(told, *these)}


def held_by(master: str) -> list[Run]:
    """The open runs that a master holds, oldest first."""
    return list(Run.select().where((Run.master == master) & OPEN).order_by(Run.created_at))


def counted(nodes: Sequence[str]) -> dict[str, int]:
    """How many open runs each of these nodes has; nodes without any are left out."""
    told = f"SELECT node, COUNT(*) FROM run WHERE state <> 'over' AND node IN ({places(len(nodes))}) GROUP BY node"  # noqa: S608
    return dict(read(told, *nodes))


def calling(function: str, nodes: Sequence[str]) -> list[str]:
    """Those of these nodes with an open run of this function."""
    told = f"SELECT DISTINCT node FROM run WHERE state <> 'over' AND function = ? AND node IN ({places(len(nodes))})"  # noqa: S608
    return [node for (node,) in read(told, function, *nodes)]


def converging(nodes: Sequence[str]) -> list[str]:
    """Those of these nodes with an open run of a job whose plan applies states."""
    told = f"run.state <> 'over' AND run.node IN ({places(len(nodes))}) AND job.converges"
    asked = f"SELECT DISTINCT run.node FROM run JOIN job ON job.run = run.id WHERE {told}"  # noqa: S608
    return [node for (node,) in read(asked, *nodes)]


def any_expired(now: float) -> bool:
    """Whether any open run has expired. Cheap, as long polls ask it all the time."""
    return bool(read("SELECT 1 FROM run WHERE state <> 'over' AND expires_at < ? LIMIT 1", now))


def expired(now: float) -> list[Run]:
    """The open runs that have expired."""
    return plain.found(Run, "WHERE state <> 'over' AND expires_at < ?", now)


def extend(id: str, expires_at: float) -> None:
    """Set the time until which a run is waited for (Unix seconds)."""
    Run.update(expires_at=expires_at).where(Run.id == id).execute()


def take_over(master: str) -> None:
    """Give this master all open runs that other masters held."""
    Run.update(master=master, taken_over=True).where(OPEN & (Run.master != master)).execute()


def start(jids: Iterable[tuple[str, str, float]]) -> int:
    """Record that claimed runs (id, jid, expires_at) are about to be published; return how many were still claimed."""
    told = [(id, jid, expires_at, RUNNING) for id, jid, expires_at in jids]
    columns = {"jid": str, "expires_at": float, "state": str}
    return rows.update("run", "id", columns, told, "run.state || '' = 'claimed'")


def end(ids: Iterable[str]) -> int:
    """End runs; return how many were open."""
    these = list(ids)
    return plain.change(Run, {"state": ENDED}, f"state <> 'over' AND id IN ({places(len(these))})", *these)
