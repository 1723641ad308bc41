"""Figures on the service itself: its database, its queue and its masters."""

from datetime import datetime
from typing import Any

from peewee import SQL, fn

from pillar_service.store.database import db, on_sqlite
from pillar_service.store.jobs.jobs import STILL_OPEN, Job
from pillar_service.store.jobs.runs import ENDED, Run
from pillar_service.store.nodes import fleet
from pillar_service.store.schema import runner
from pillar_service.store.service.masters import Master
from pillar_service.store.sql import read


def database() -> tuple[str, int]:
    """The kind of database, and its size in bytes."""
    if not on_sqlite():
        [(size,)] = db.execute_sql("SELECT pg_database_size(current_database())").fetchall()
        return "PostgreSQL", int(size)
    [(pages,)], [(page,)] = (db.execute_sql(f"PRAGMA {name}").fetchall() for name in ("page_count", "page_size"))
    return "SQLite", int(pages * page)


def database_file() -> str | None:
    """The path of the database's file; None on PostgreSQL."""
    return str(db.obj.database) if on_sqlite() else None


def kind() -> str:
    """The kind of database."""
    return "SQLite" if on_sqlite() else "PostgreSQL"


def oldest_queued() -> float | None:
    """When the oldest queued job that a master could carry out was asked for: its node, if it has one, is not away."""
    told = (
        "SELECT MIN(job.created_at) FROM job LEFT JOIN standing ON standing.node = job.node WHERE job.state = 'queued'"
    )
    [(oldest,)] = read(f"{told} AND parts = 0 AND NOT coalesce(standing.is_away, false)")
    return None if oldest is None else float(oldest)


def began() -> float:
    """When this database got its first table."""
    [(applied,)] = read("SELECT MIN(applied) FROM schema_migration")
    first = applied if isinstance(applied, datetime) else datetime.fromisoformat(applied)
    return first.timestamp()


def bots(silent_since: float, settled: list[str], silent: str) -> dict[str, int]:
    """How many bots are shown in each state, as `fleet.by_state` counts them."""
    return fleet.by_state(silent_since, settled, silent)


def leases() -> list[tuple[str, str, int, float]]:
    """Name, holder, fence and time of expiry (Unix seconds) of each lease."""
    found: list[Any] = read("SELECT name, holder, fence, expires_at FROM lease")
    return found


def outboxes() -> dict[str, tuple[int, float | None]]:
    """For mail and Slack: how many messages wait to be sent, and since when the oldest waits."""
    [mails] = read("SELECT COUNT(*), MIN(created_at) FROM mail WHERE state = 'queued'")
    [messages] = read("SELECT COUNT(*), MIN(created_at) FROM outgoing WHERE state IN ('queued', 'sending')")
    return {"mail": (int(mails[0]), mails[1]), "slack": (int(messages[0]), messages[1])}


def node_events() -> dict[str, int]:
    """How many events of nodes were taken, refused and lost, over all epochs that are kept."""
    [told] = read("SELECT SUM(taken), SUM(refused), SUM(lost) FROM event_epoch")
    return {fate: int(count or 0) for fate, count in zip(("taken", "refused", "lost"), told, strict=True)}


def node_clocks() -> tuple[float, float]:
    """Of the nodes that are not away: the longest delay of a node's last events, and the largest clock offset (seconds)."""
    [(lag, offset)] = read("SELECT MAX(lag_s), MAX(ABS(offset_s)) FROM standing WHERE NOT is_away")
    return float(lag or 0), float(offset or 0)


def unapplied() -> list[str]:
    """The names of the migrations that this database lacks; all of them when it is new."""
    return [one.name for one in runner().status() if one.path is not None and one.applied is None]


def open_jobs() -> dict[str, tuple[int, float]]:
    """For each state of open jobs: how many there are, and when the oldest was asked for (Unix seconds)."""
    rows: Any = Job.select(Job.state, fn.COUNT(Job.id), fn.MIN(Job.created_at)).where(Job.state.in_(STILL_OPEN))
    return {state: (count, oldest) for state, count, oldest in rows.group_by(Job.state).tuples()}


def ended_jobs(since: float, until: float) -> dict[str, int]:
    """How many jobs ended from ``since`` to before ``until`` (Unix seconds), by state. Reads one range of an index."""
    rows: Any = Job.select(Job.state, fn.COUNT(SQL("*"))).where((Job.ended_at >= since) & (Job.ended_at < until))
    return dict(rows.group_by(Job.state).tuples())


def masters() -> list[dict[str, Any]]:
    """Each master: its name, when it was added, when it last asked for jobs and last got some, and how many runs it holds."""
    last = Run.select(fn.MAX(Run.created_at)).where(Run.master == Master.name)
    held = Run.select(fn.COUNT(Run.id)).where((Run.master == Master.name) & (Run.state != ENDED))
    rows: Any = Master.select(
        Master.name, Master.created_at, Master.seen_at, last.alias("claimed_at"), held.alias("held")
    ).order_by(Master.name)
    return list(rows.dicts())


def open_runs(limit: int) -> list[Run]:
    """The open runs, those that expire first at the front."""
    return list(Run.select().where(Run.state != ENDED).order_by(Run.expires_at).limit(limit))
