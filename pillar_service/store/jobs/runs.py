"""Runs: one publish to one node, for one job or for several that converge it."""

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
"""Written out, not bound: else SQLite does not see that a partial index holds these rows."""


class Run(Table):
    """One publish to a node, or (``node`` is None) one runner on the master.

    ``expires_at`` is when its claim, and later its deadline, has passed (Unix seconds). One that was ``taken_over`` may
    have been published by the master before.
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
"""Those of a run that is claimed, and what each holds."""


def new(**columns: object) -> Run:
    """A claimed run that is not added yet."""
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
    """How a run stands: all that decides whether it may start, or is awaited."""

    id: str
    node: str | None
    master: str
    state: str
    jid: str | None
    timeout_s: int


def standing(ids: Iterable[str]) -> dict[str, Standing]:
    """How the runs with these ids stand, by id. Cheap: what they call stays where it is."""
    these = list(ids)
    told = f"SELECT {', '.join(Standing._fields)} FROM run WHERE id IN ({places(len(these))})"  # noqa: S608
    return {row[0]: Standing(*row) for row in read(told, *these)}


def carrying(ids: Iterable[str]) -> set[str]:
    """Those of these runs that carry out a job that is not over."""
    these = list(ids)
    told = f"SELECT DISTINCT run FROM job WHERE run IN ({places(len(these))}) AND state || '' IN ({OPEN_IN_SQL})"  # noqa: S608
    return {run for (run,) in read(told, *these)}


def held_by(master: str) -> list[Run]:
    """The runs that a master holds, oldest first."""
    return list(Run.select().where((Run.master == master) & OPEN).order_by(Run.created_at))


def counted(nodes: Sequence[str]) -> dict[str, int]:
    """How many runs each of these nodes has that are not over."""
    told = f"SELECT node, COUNT(*) FROM run WHERE state <> 'over' AND node IN ({places(len(nodes))}) GROUP BY node"  # noqa: S608
    return dict(read(told, *nodes))


def calling(function: str, nodes: Sequence[str]) -> list[str]:
    """Those of these nodes with a run of this function that is not over."""
    told = f"SELECT DISTINCT node FROM run WHERE state <> 'over' AND function = ? AND node IN ({places(len(nodes))})"  # noqa: S608
    return [node for (node,) in read(told, function, *nodes)]


def converging(nodes: Sequence[str]) -> list[str]:
    """Those of these nodes with a run that is not over of a job whose plan applies states."""
    told = f"run.state <> 'over' AND run.node IN ({places(len(nodes))}) AND job.converges"
    asked = f"SELECT DISTINCT run.node FROM run JOIN job ON job.run = run.id WHERE {told}"  # noqa: S608
    return [node for (node,) in read(asked, *nodes)]


def any_expired(now: float) -> bool:
    """Whether a run's time has passed. Cheap: long polls ask it all the time."""
    return bool(read("SELECT 1 FROM run WHERE state <> 'over' AND expires_at < ? LIMIT 1", now))


def expired(now: float) -> list[Run]:
    """The runs whose time has passed."""
    return plain.found(Run, "WHERE state <> 'over' AND expires_at < ?", now)


def extend(id: str, expires_at: float) -> None:
    """Wait for a run until then."""
    Run.update(expires_at=expires_at).where(Run.id == id).execute()


def take_over(master: str) -> None:
    """This master follows from now on the runs that are not over and that another one held."""
    Run.update(master=master, taken_over=True).where(OPEN & (Run.master != master)).execute()


def start(jids: Iterable[tuple[str, str, float]]) -> int:
    """Claimed runs (id, jid, expires_at) are about to be published; how many of them were still claimed."""
    told = [(id, jid, expires_at, RUNNING) for id, jid, expires_at in jids]
    columns = {"jid": str, "expires_at": float, "state": str}
    return rows.update("run", "id", columns, told, "run.state || '' = 'claimed'")


def end(ids: Iterable[str]) -> int:
    """Runs are over; how many were not before."""
    these = list(ids)
    return plain.change(Run, {"state": ENDED}, f"state <> 'over' AND id IN ({places(len(these))})", *these)
