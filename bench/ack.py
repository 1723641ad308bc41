"""How soon Slack gets its ack.

200 connections, each with a signed event of its own, send at once; then again, 25 times, every event once. Measured is each
answer, from the sending of the first to its arrival. The public app as shipped (gunicorn, its default workers) keeps each
event on disk before it acks; bare is a bolt app with a listener that does nothing, under the same settings, and keeps
nothing. They take turns. Then the same while another process holds the service's database writer, and while
Slack's API, which the notifier asks all the time, takes connections and never answers. A real salt-master, whose dispatcher
holds the publishing lease and a long poll of the private app all the time, is up beside all these; in the last case it is
stopped: it and all its processes are gone, nobody claims jobs, and the service's two apps are up. An answer that is not 200,
or an event that is not in the inbox or done afterwards, fails the benchmark. The client takes its
share of the same cores.
"""

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from daemons import Daemon, Service, running, until
from salt_daemons import Master

from bench import TOP, pillar
from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread
from pillar_service.usecases.jobs import leases

TIMES, TOGETHER, ROUNDS, MOST_MS = 25, 200, 3, 100
SECRET = "0123456789abcdef0123456789abcdef"


def measure(cellar: Cellar) -> list[Row]:
    """Measure milliseconds until the ack, ours and bare bolt's, undisturbed and disturbed."""
    with ExitStack() as stack, silent() as slack:
        told = {"SIGNING_SECRET": SECRET, "BOT_TOKEN": "xoxb-bench", "URL": slack}
        service = cellar.new_service("ack", {f"CELLAR_SLACK_{name}": value for name, value in told.items()})
        master = Master(service.folder / "m", service.url, service.token_file)
        ours = f"{service.public_url}/slack"
        bare = stack.enter_context(pillar.bare(service, cellar.folder / "ack", "/healthz", "bare_bolt"))
        rounds = []
        for _ in range(ROUNDS):
            with _polling(master, service):
                took = {"bare bolt": _burst(f"{bare}/slack"), "undisturbed": _burst(ours)}
                with held(service):
                    took["writer held"] = _burst(ours)
                with _notifier(service):
                    took["Slack stalled"] = _burst(ours)
            took["master stopped"] = _burst(ours)
            rounds.append(took)
        kept = _kept(service)
    if kept < ROUNDS * (len(rounds[0]) - 1) * TIMES * TOGETHER:
        raise RuntimeError(f"Only {kept} events were kept.")
    return [row for name in rounds[0] for row in _rows(name, rounds)]


def _rows(name: str, rounds: list[dict[str, Spread]]) -> list[Row]:
    p50, p99 = (Spread(tuple(took[name].percentile(percent) for took in rounds)) for percent in (50, 99))
    base = Spread(tuple(took["bare bolt"].percentile(99) for took in rounds))
    if name == "bare bolt":
        return [Row(name, f"p50 {p50.shown()}, p99 {p99.shown()}", "ms")]
    ratio, met = f"p99 {p99.over(base).shown(2)} of bare", p99.median < MOST_MS
    return [Row(name, f"p50 {p50.shown()}, p99 {p99.shown()}", "ms", ratio, f"p99 < {MOST_MS}", met)]


def _burst(url: str) -> Spread:
    command = [sys.executable, "-m", "bench.ack_client", url, SECRET, str(TIMES), str(TOGETHER)]
    ran = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(ran.stdout)
    if told["failed"]:
        raise RuntimeError(f"{url} did not ack {told['failed']} events.")
    return Spread(tuple(told["ms"]))


@contextmanager
def held(service: Service) -> Iterator[None]:
    """Hold the write lock of the service's database."""
    connection = sqlite3.connect(
        service.environment["CELLAR_DATABASE"].removeprefix("sqlite:///"), isolation_level=None
    )
    connection.execute("PRAGMA busy_timeout = 20000")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def _polling(master: Master, service: Service) -> Iterator[None]:
    """Run the master, with its dispatcher holding the publishing lease."""
    file = service.environment["CELLAR_DATABASE"].removeprefix("sqlite:///")
    asked = "SELECT 1 FROM lease WHERE name = 'publishing' AND expires_at > ?"
    with running(master), closing(sqlite3.connect(file)) as connection:
        # Later than the end of any lease that it took before it was last stopped.
        after = time.time() + leases.HELD_S
        until(lambda: connection.execute(asked, (after,)).fetchone(), 60, "the master claims")
        yield


@contextmanager
def _notifier(service: Service) -> Iterator[None]:
    daemon = Daemon("chat", [sys.executable, "-m", "pillar_service.chatops"], service.folder, service.environment)
    daemon.start()
    try:
        yield
    finally:
        daemon.stop()


@contextmanager
def silent() -> Iterator[str]:
    """Run a server that takes connections and never answers; gives its URL."""
    listener, taken = socket.create_server(("127.0.0.1", 0), backlog=64), []

    def take() -> None:
        while True:
            try:
                taken.append(listener.accept())
            except OSError:
                return

    threading.Thread(target=take, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/"
    finally:
        listener.close()
        for connection, _ in taken:
            connection.close()


def _kept(service: Service) -> int:
    folder = Path(service.environment["CELLAR_FILES"]) / "chat"
    found = 0
    for file in folder.glob("inbox-*.sqlite"):
        with sqlite3.connect(file) as connection:
            found += connection.execute("SELECT count(*) FROM delivery").fetchone()[0]
    return found
