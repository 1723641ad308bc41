"""Huey and RQ: the same no-op, asked for and carried out."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import huey
import redis
import rq
from daemons import Daemon, running, until

DRAINED_S = 120


def no_op() -> bool:
    """Do nothing; the result is kept, as ours is."""
    return True


def of_huey(file: str) -> huey.SqliteHuey:
    """Huey on SQLite, synced to disk at each commit."""
    return huey.SqliteHuey("bench", filename=file, fsync=True)


def consume(file: str, count: int) -> None:
    """Run Huey's consumer with its default number of threads (one), polling every millisecond."""
    known = of_huey(file)
    known.task(name="no_op")(no_op)
    consumer = known.create_consumer(initial_delay=0.001, max_delay=0.001, periodic=False)
    consumer.start()
    _await(lambda: known.result_count() >= count)
    consumer.stop(graceful=True)
    known.flush()


def work(socket: str, count: int) -> None:
    """Run RQ's worker that carries out jobs in its own process (no fork for each job)."""
    connection = redis.Redis(unix_socket_path=socket)
    rq.SimpleWorker([rq.Queue(connection=connection)], connection=connection).work(
        max_jobs=count, logging_level="ERROR"
    )
    if (finished := rq.Queue(connection=connection).finished_job_registry.count) < count:
        raise RuntimeError(f"RQ finished {finished} of {count} jobs.")
    connection.flushall()


def _await(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + DRAINED_S
    while not true():
        if time.monotonic() > ends:
            raise TimeoutError("The jobs are not done in time.")
        time.sleep(0.005)


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis that answers once its log is on disk; gives its socket."""
    if shutil.which("redis-server") is None:
        raise RuntimeError("There is no redis-server: run vagrant/packages.sh bench.")
    folder.mkdir(parents=True)
    socket = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    options += ["--appendonly", "yes", "--appendfsync", "always"]
    with running(Daemon("redis", ["redis-server", *options], folder)):
        until(socket.exists, 20, "redis-server listens")
        yield str(socket)
