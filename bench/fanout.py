"""A command on a hundred nodes: from the asking to the last result.

Three nodes are real minions; the returns of the other 97 are replayed by this process. As soon as the master's own
``salt/job/<jid>/new`` event names one of those, its return is handed to ``salt.utils.job.store_job`` with the master's
options, which is what the master does with a minion's return: it files it in the job cache and fires the event. The clock
starts before ``POST /meeseeks/run`` of `no-op` on all hundred, and stops at the last publish, and when the service shows
the job succeeded with a hundred results, one for each node; less fails the benchmark. Beside it the same master's warm
``LocalClient.cmd`` of `test.arg` on the same hundred, with the same replaying, until it has a hundred returns: one publish
for all, nothing on disk but Salt's job cache. They take turns.
"""

import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

import salt.client
import salt.minion
import salt.utils.event
import salt.utils.job
from daemons import running
from salt_daemons import Master, Minion

from bench import waiting_jobs
from bench.cellar import Cellar, local_client
from bench.report import Row
from bench.spread import Spread
from pillar_service.core.jobs import OVER
from pillar_service.master.client import Client

NODES, REAL, ROUNDS = waiting_jobs.NODES, 3, 8
PATIENCE_S = 60


def measure(cellar: Cellar) -> list[Row]:
    """Seconds to a hundred results: ours, and Salt's own client."""
    with ExitStack() as stack:
        service = cellar.new_service("fanout", waiting_jobs.catalogue())
        client = Client(service.url, str(service.token_file), actor="bench")
        master = stack.enter_context(running(Master(service.folder / "m", service.url, service.token_file)))
        waiting_jobs.settle(service)
        names = [waiting_jobs.ready(number) for number in range(NODES)]
        minions = [stack.enter_context(running(Minion(service.folder / name, name, master))) for name in names[:REAL]]
        for name in names[REAL:]:
            master.accept(name, master.keys / "minions" / names[0])
        for minion in minions:
            minion.wait()
            master.salt(minion.node, "saltutil.sync_all")
        warm = local_client(master)
        with Replay(warm.opts, set(names[REAL:])) as replay:
            took = _rounds(client, warm, names, replay)
    return _rows({what: Spread(tuple(seconds)) for what, seconds in took.items()})


class Replay(threading.Thread):
    """Answers for nodes that are not there, as the master files what a minion returns."""

    def __init__(self, opts: dict[str, Any], absent: set[str]) -> None:
        super().__init__(daemon=True)
        self.opts, self.absent, self.last = opts, absent, 0.0
        self.ready, self.ended = threading.Event(), threading.Event()

    def __enter__(self) -> "Replay":
        self.start()
        self.ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()

    def run(self) -> None:
        """Listens until it has ended."""
        with (
            salt.utils.event.get_event("master", opts=self.opts, listen=True) as bus,
            salt.minion.MasterMinion(self.opts, states=False, rend=False) as minion,
        ):
            self.ready.set()
            while not self.ended.is_set():
                event = bus.get_event(wait=1, tag="salt/job/", full=True)
                if event and event["tag"].endswith("/new"):
                    self.last = time.perf_counter()
                    self._answer(event["data"], bus, minion)

    def _answer(self, job: dict[str, Any], bus: Any, minion: Any) -> None:
        told = {"state": "done", "code": 0, "lines": 0} if job["fun"] == "meeseeks.run" else {}
        for node in sorted(self.absent & set(job["minions"])):
            load = {"id": node, "jid": job["jid"], "fun": job["fun"], "fun_args": job["arg"], "return": told}
            load |= {"success": True, "retcode": 0, "cmd": "_return"}
            salt.utils.job.store_job(self.opts, load, event=bus, mminion=minion)


def _rounds(client: Client, warm: salt.client.LocalClient, names: list[str], replay: Replay) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {"published": [], "kept": [], "LocalClient": []}
    for turn in range(-1, ROUNDS):  # the first answers load modules
        published, kept = _ours(client, replay)
        began = time.perf_counter()
        returned = warm.cmd(names, "test.arg", [turn], tgt_type="list", timeout=PATIENCE_S)
        if len(returned) != NODES:
            raise RuntimeError(f"Salt's client got {len(returned)} returns.")
        if turn >= 0:
            took["LocalClient"].append(time.perf_counter() - began)
            took["published"].append(published)
            took["kept"].append(kept)
    return took


def _ours(client: Client, replay: Replay) -> tuple[float, float]:
    began = time.perf_counter()
    job = client.run({"command": "no-op", "selector": "room=yes"})["job"]
    while (told := client.command_job(job["id"]))["job"]["state"] not in OVER:
        if time.perf_counter() - began > PATIENCE_S:
            raise RuntimeError(f"The job is {told['job']['state']} after {PATIENCE_S} s.")
        time.sleep(0.02)
    kept = time.perf_counter() - began
    nodes = Counter(part["node"] for part in told["parts"] if part["state"] == "succeeded")
    if len(nodes) != NODES or set(nodes.values()) != {1}:
        raise RuntimeError(f"{len(nodes)} nodes have a result: {told['job']}")
    return replay.last - began, kept


def _rows(took: dict[str, Spread]) -> list[Row]:
    ours, salts = took["kept"], took["LocalClient"]
    per_s = NODES / ours.median
    return [
        Row("asked → published to 100 nodes", took["published"].shown(2), "s"),
        Row("asked → 100 results kept", ours.shown(2), "s", f"{ours.over(salts).shown(1)} of LocalClient"),
        Row("results kept", f"{per_s:,.0f}", "results/s"),
        Row("LocalClient.cmd → 100 returns", salts.shown(2), "s"),
    ]
