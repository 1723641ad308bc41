"""The queue: no-op jobs from being asked for to being done.

Ours: the private app as shipped (gunicorn, its default workers, SQLite with synchronous=FULL) with 100 nodes. Four
threads of this process ask for the command `no-op` on one node after the other, each job on disk before the next is
asked for: by the use case, as chat does, which has a process of its own; another process claims over HTTP, says that
the runs start, and hands in their results as the dispatcher does, but without Salt. The clock runs from the first asking
until the last result is answered, which is after its commit; at the end all must have succeeded in the table. By request:
the same, but one job in each request, as operators ask (``POST /meeseeks/run``). Broadcasts: the same number of jobs, but
each request asks for all 100 nodes. The setting CHAT_JOBS_MOST is raised, for it would refuse one asker's 21st job.

With a backlog: 20,000 jobs of somebody else wait already. Those of full nodes can't be claimed, and are older than what
is asked for; those that are ready are claimed first, so that as many wait all the time. Each stands in a service of its
own, all of which are up at once and take turns with the peers.

Huey: SqliteHuey with ``fsync=True`` (WAL, synchronous=FULL, as ours) and its consumer with one thread, as by default,
which polls each millisecond. RQ: Redis with ``appendfsync always``, a SimpleWorker, which forks nothing. Their tasks
return True, which is kept, as our results are; four threads enqueue, another process carries out. They have neither
permissions, audit, nodes nor runs; they ask for a job with a call in this process, too.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

import redis
import rq
from daemons import Service, running

from bench import TOP, peers, waiting_jobs
from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread
from pillar_service.core.nodes import selectors
from pillar_service.master.client import Client
from pillar_service.settings import settings
from pillar_service.usecases.meeseeks import asking
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.service import storage

ROUNDS, JOBS, THREADS, BACKLOG = 5, 2000, 4, 20_000
LEAST_PER_S, LEAST_RATIO = 1500, 0.8
ASKER = Asker("operator:bench")

Ask = Callable[[int], object]
"""Asks for the n-th job, or the n-th hundred jobs."""


class Side:
    """One of the queues that take turns: how to ask, how many jobs one asking makes, and the process that works."""

    def __init__(
        self,
        stack: ExitStack,
        where: list[str],
        ask: Ask,
        each: int = 1,
        inside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        command = [sys.executable, "-m", "bench.no_op", *where]
        self.ask, self.each, self.inside = ask, each, inside
        self.process = stack.enter_context(
            subprocess.Popen(command, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(self.process.kill)

    def round(self) -> float:
        """Run one round; returns jobs per second."""
        self._tell(f"{JOBS}\n")
        self._hear("ready")
        began = time.perf_counter()
        with self.inside(), ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self.ask, range(JOBS // self.each)))
            self._hear("done")
        return JOBS / (time.perf_counter() - began)

    def _tell(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def _hear(self, word: str) -> None:
        assert self.process.stdout
        if (heard := self.process.stdout.readline().strip()) != word:
            raise RuntimeError(f"What carries the jobs out said {heard!r} instead of {word!r}: see above.")


def measure(cellar: Cellar) -> list[Row]:
    """Measure jobs per second: ours, ours with a backlog, Huey's and RQ's."""
    logging.getLogger().setLevel(logging.WARNING)  # Salt is imported here and would have a record made of each query
    backlogs = {"empty": None, "full": waiting_jobs.full, "ready": waiting_jobs.ready}
    with ExitStack() as stack:
        services = {name: stack.enter_context(running(_service(cellar, name))) for name in backlogs}
        for name, where in backlogs.items():
            waiting_jobs.settle(services[name])
            if where is not None:
                waiting_jobs.queue(services[name], BACKLOG, where)
        sides = {name: _ours(stack, service) for name, service in services.items()}
        sides["request"] = _by_request(stack, services["empty"])
        sides["broadcast"] = _by_request(stack, services["empty"], "room=yes", waiting_jobs.NODES)
        sides |= _peers(stack, cellar.folder / "queue")
        for side in sides.values():
            side.round()  # the first answers load modules
        rounds = [{name: side.round() for name, side in sides.items()} for _ in range(ROUNDS)]
        _all_done(services)
    return _rows({name: Spread(tuple(each[name] for each in rounds)) for name in sides})


def _service(cellar: Cellar, name: str) -> Service:
    service = Service(cellar.folder / f"queue-{name}")
    del service.environment["CELLAR_WORKERS"]  # the tests' single worker is not what is shipped
    service.environment |= waiting_jobs.catalogue()
    return service


def _ours(stack: ExitStack, service: Service) -> Side:
    def ask(number: int) -> None:
        where = selectors.parse(f"node=ready-{number % waiting_jobs.NODES}")
        asking.ask(ASKER, asking.wish(ASKER, "no-op", {}, where))

    return Side(stack, _where(service), ask, inside=lambda: _inside(service))


@contextmanager
def _inside(service: Service) -> Iterator[None]:
    """Let this process work on the service's database, as chat's process does."""
    before = dict(os.environ)
    os.environ.update(service.environment)
    settings.cache_clear()
    storage.prepare()
    try:
        yield
    finally:
        storage.release()
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


def _where(service: Service) -> list[str]:
    return ["ours", service.url, str(service.token_file)]


def _by_request(stack: ExitStack, service: Service, selector: str = "node=ready-{}", each: int = 1) -> Side:
    client = Client(service.url, str(service.token_file), actor="bench")

    def ask(number: int) -> None:
        client.run({"command": "no-op", "selector": selector.format(number % waiting_jobs.NODES)})

    return Side(stack, _where(service), ask, each)


def _peers(stack: ExitStack, folder: Path) -> dict[str, Side]:
    socket = stack.enter_context(peers.redis_server(folder))
    queue = rq.Queue(connection=redis.Redis(unix_socket_path=socket))
    file = str(folder / "huey.db")
    task = peers.of_huey(file).task(name="no_op")(peers.no_op)
    return {
        "Huey": Side(stack, ["huey", file], lambda _: task()),
        "RQ": Side(stack, ["rq", socket], lambda _: queue.enqueue(peers.no_op)),
    }


def _all_done(services: dict[str, Service]) -> None:
    for name, service in services.items():
        told = waiting_jobs.counted(service)
        left = 0 if name == "empty" else BACKLOG
        if told.get("queued", 0) != left or set(told) - {"queued", "succeeded"}:
            raise RuntimeError(f"The jobs of {name!r} did not all succeed: {told}")


def _rows(per_s: dict[str, Spread]) -> list[Row]:
    empty, broadcast = per_s["empty"], per_s["broadcast"]
    asked = f"≥ {LEAST_PER_S:,}"
    rows = [
        Row("ours", empty.shown(0), "jobs/s", "", asked, empty.median >= LEAST_PER_S),
        Row("ours, one job a request", per_s["request"].shown(0), "jobs/s"),
        Row("ours, broadcasts to 100 nodes", broadcast.shown(0), "jobs/s", "", asked, broadcast.median >= LEAST_PER_S),
    ]
    for name, what in (("full", "of full nodes"), ("ready", "that are ready")):
        ratio = per_s[name].over(empty)
        told = f"{ratio.shown(2)} of empty"
        met = ratio.median >= LEAST_RATIO
        rows.append(
            Row(f"ours, {BACKLOG:,} wait {what}", per_s[name].shown(0), "jobs/s", told, f"≥ {LEAST_RATIO}", met)
        )
    return rows + [
        Row(peer, per_s[peer].shown(0), "jobs/s", f"ours {empty.over(per_s[peer]).shown(2)} of it")
        for peer in ("Huey", "RQ")
    ]
