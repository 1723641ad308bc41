"""How soon Slack gets its ack.

200 connections, each with a signed event of its own, send at once; then again, 25 times, every event once. Measured is each
answer, from the sending of the first to its arrival. The public app as shipped (gunicorn, its default workers) keeps each
event on disk before it acks; bare is a bolt app with a listener that does nothing, under the same settings, and keeps
nothing. They take turns. Then the same while another process holds the service's database writer, and while
Slack's API, which the notifier asks all the time, takes connections and never answers. No master runs at any time. An answer
that is not 200, or an event that is not in the inbox or done afterwards, fails the benchmark. The client takes its
share of the same cores.
"""

import json
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from daemons import Daemon, Service, free_port

from bench import TOP
from bench.cellar import Cellar
from bench.pillar import Server
from bench.report import Row
from bench.spread import Spread

TIMES, TOGETHER, ROUNDS, MOST_MS = 25, 200, 3, 100
SECRET = "0123456789abcdef0123456789abcdef"


def measure(cellar: Cellar) -> list[Row]:
    """Milliseconds until the ack, ours beside bare bolt, undisturbed and disturbed."""
    with ExitStack() as stack, silent() as slack:
        service = cellar.new_service("ack")
        for app in service.apps.values():
            app.stop()
        service.environment |= {
            "CELLAR_SLACK_SIGNING_SECRET": SECRET,
            "CELLAR_SLACK_BOT_TOKEN": "xoxb-bench",
            "CELLAR_SLACK_URL": slack,
        }
        service.apps = {name: service._daemon(name) for name in service.apps}
        service.start()
        ours, bare = f"{service.public_url}/slack", stack.enter_context(_bare(service, cellar.folder / "ack"))
        rounds = []
        for _ in range(ROUNDS):
            told = {"bare bolt": _burst(f"{bare}/slack"), "undisturbed": _burst(ours)}
            with held(service):
                told["writer held"] = _burst(ours)
            with _notifier(service):
                told["Slack stalled"] = _burst(ours)
            rounds.append(told)
        kept = _kept(service)
    if kept < ROUNDS * 3 * TIMES * TOGETHER:
        raise RuntimeError(f"Only {kept} events were kept.")
    return [row for name in rounds[0] for row in _rows(name, rounds)]


def _rows(name: str, rounds: list[dict[str, Spread]]) -> list[Row]:
    p50, p99 = (Spread(tuple(told[name].percentile(percent) for told in rounds)) for percent in (50, 99))
    base = Spread(tuple(told["bare bolt"].percentile(99) for told in rounds))
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


def _bare(service: Service, folder: Path) -> Server:
    port = free_port()
    environment = service.environment | {"CELLAR_PRIVATE_PORT": str(port), "PYTHONPATH": str(TOP)}
    server = Server("bare-bolt", [sys.executable, "-m", "bench.bare_bolt"], folder, environment)
    server.url, server.path = f"http://127.0.0.1:{port}", "/healthz"
    return server


@contextmanager
def held(service: Service) -> Iterator[None]:
    """Another writer has the service's database all the time."""
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
def _notifier(service: Service) -> Iterator[None]:
    daemon = Daemon("chat", [sys.executable, "-m", "pillar_service.chatops"], service.folder, service.environment)
    daemon.start()
    try:
        yield
    finally:
        daemon.stop()


@contextmanager
def silent() -> Iterator[str]:
    """A server that takes connections and never says anything."""
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
