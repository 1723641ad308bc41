"""Jobs that wait in a service's queue while the benchmark of the queue runs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daemons import MASTER_NAME, Service

from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs import runs as run_rows
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.jobs.runs import Run
from pillar_service.store.nodes import pillars
from pillar_service.store.nodes.nodes import Node

NODES, ROOM = 100, 1000
PLAN = {
    "nodes": [], "bot": None, "channel": "", "output": {"private": False, "file": False}, "redact": [], "secrets": {},
    "arguments": ["no-op", {}], "keywords": {}, "is_guarded": True, "timeout_s": 60, "retry_safe": True,
    "function": "meeseeks.run",
}  # fmt: skip
"""The plan of a job of `no-op`."""


def catalogue() -> dict[str, str]:
    """Settings for a service with the benchmarks' commands, in which one asker may have many jobs."""
    return {"CELLAR_CHAT_JOBS_MOST": "1000000", "CELLAR_CATALOGUE": str(Path(__file__).parent / "catalogue")}


@contextmanager
def _of(service: Service) -> Iterator[None]:
    database.connect(service.environment["CELLAR_DATABASE"])
    try:
        with database.transaction():
            yield
    finally:
        database.release()


def ready(number: int) -> str:
    """The id of the n-th node with room."""
    return f"ready-{number % NODES}"


def full(number: int) -> str:
    """The id of the n-th node without room: a run of another job goes on there."""
    return f"full-{number % NODES}"


def settle(service: Service) -> None:
    """Add nodes with room, and nodes without, to a service's database."""
    with _of(service):
        now, common = time.time(), {"port_first": 20000, "port_last": 20999, "facts": {}}
        with_room = {"concurrency": ROOM, "labels": {"room": "yes"}, **common}
        Node.insert_many([{"id": ready(n), **with_room} for n in range(NODES)]).execute()
        Node.insert_many([{"id": full(n), "concurrency": 1, "labels": {}, **common} for n in range(NODES)]).execute()
        run_rows.add(
            Run(id=f"{n:016x}", node=full(n), function="meeseeks.run", arguments=[], keywords={}, master=MASTER_NAME,
                state="running", timeout_s=60, retry_safe=True, created_at=now, expires_at=now + 86_400)
            for n in range(NODES)
        )  # fmt: skip
        pillars.stamp("")


def queue(service: Service, count: int, where: Callable[[int], str]) -> None:
    """Add waiting jobs of `no-op`, asked for by somebody else an hour ago."""
    with _of(service):
        then = time.time() - 3600
        jobs.add_queued(
            Job(id=f"{n:016x}", command="no-op", node=where(n), arguments={}, plan={**PLAN, "nodes": [where(n)]},
                at_most=1000, actor="operator:backlog", fingerprint="", created_at=then + n / 1000, not_before=then,
                deadline_at=then + 86_400)
            for n in range(count)
        )  # fmt: skip


def counted(service: Service) -> dict[str, int]:
    """How many jobs are in each state."""
    with _of(service):
        return dict(Job.select(Job.state, jobs.fn.COUNT(Job.id)).group_by(Job.state).tuples())
