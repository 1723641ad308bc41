"""A command on a hundred nodes: from the asking to the last result.

Three nodes are real minions; the returns of the other 97 are replayed by this process. As soon as the master's own
``salt/job/<jid>/new`` event names one of those, its return is handed to ``salt.utils.job.store_job`` with the master's
options, which is what the master does with a minion's return: it files it in the job cache and fires the event. The clock
starts before ``POST /meeseeks/run`` of `no-op` on all hundred, and stops at the last publish, and when the service shows
the job succeeded with a hundred results, one for each node; less fails the benchmark. The dispatcher's processor time is
that of its process in the master, from the asking to the last result. Beside it the same master's warm ``LocalClient.cmd``
of `test.arg` on the same hundred, with the same replaying, until it has a hundred returns, and the `salt` command for it:
one publish for all, nothing on disk but Salt's job cache. They take turns.
"""

import json
import subprocess
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
from salt_daemons import BIN, Master, Minion

from bench import processes, waiting_jobs
from bench.cellar import Cellar, local_client
from bench.report import Row
from bench.spread import Spread
from pillar_service.core.jobs.jobs import OVER
from pillar_service.master.client import Client

NODES, REAL, ROUNDS = waiting_jobs.NODES, 3, 8
PATIENCE_S = 60


def measure(cellar: Cellar) -> list[Row]:
    """Measure seconds to a hundred results, with our queue and with Salt's own client."""
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
            rounds = [_round(client, warm, master, names, replay) for _ in range(ROUNDS + 1)]
    return _rows({what: Spread(tuple(one[what] for one in rounds[1:])) for what in rounds[0]})  # the first warms up


class Replay(threading.Thread):
    """Answers for nodes that are not there, as the master does when a minion returns."""

    def __init__(self, opts: dict[str, Any], absent: set[str]) -> None:
        super().__init__(daemon=True)
        self.opts, self.absent, self.published = opts, absent, list[float]()
        self.ready, self.ended = threading.Event(), threading.Event()

    def __enter__(self) -> "Replay":
        self.start()
        self.ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()

    def run(self) -> None:
        """Listen until the end."""
        with (
            salt.utils.event.get_event("master", opts=self.opts, listen=True) as bus,
            salt.minion.MasterMinion(self.opts, states=False, rend=False) as minion,
        ):
            self.ready.set()
            while not self.ended.is_set():
                event = bus.get_event(wait=1, tag="salt/job/", full=True)
                if event and event["tag"].endswith("/new"):
                    self.published.append(time.perf_counter())
                    self._answer(event["data"], bus, minion)

    def _answer(self, job: dict[str, Any], bus: Any, minion: Any) -> None:
        told = {"state": "done", "code": 0, "lines": 0} if job["fun"] == "meeseeks.run" else {}
        for node in sorted(self.absent & set(job["minions"])):
            load = {"id": node, "jid": job["jid"], "fun": job["fun"], "fun_args": job["arg"], "return": told}
            load |= {"success": True, "retcode": 0, "cmd": "_return"}
            salt.utils.job.store_job(self.opts, load, event=bus, mminion=minion)


def _round(
    client: Client, warm: salt.client.LocalClient, master: Master, names: list[str], replay: Replay
) -> dict[str, float]:
    """Run one round; returns seconds by what took them."""
    dispatcher = processes.dispatcher(master)
    before, took = processes.cpu_s(dispatcher), _ours(client, replay)
    took["dispatcher"] = processes.cpu_s(dispatcher) - before
    began = time.perf_counter()
    _all_returned(warm.cmd(names, "test.arg", ["warm"], tgt_type="list", timeout=PATIENCE_S))
    took["LocalClient"] = time.perf_counter() - began
    command = [str(BIN / "salt"), "-c", str(master.etc), "-t", str(PATIENCE_S), "--static", "--out=json", "-L"]
    began = time.perf_counter()
    said = subprocess.run([*command, ",".join(names), "test.arg", "cold"], check=True, capture_output=True).stdout
    took["salt"] = time.perf_counter() - began
    _all_returned(json.loads(said))
    return took


def _all_returned(returned: dict[str, Any]) -> None:
    if len(returned) != NODES:
        raise RuntimeError(f"Salt got {len(returned)} returns.")


def _ours(client: Client, replay: Replay) -> dict[str, float]:
    replay.published.clear()
    began = time.perf_counter()
    job = client.run({"command": "no-op", "selector": "room=yes"})
    while (told := client.command_job(job["id"]))["job"]["state"] not in OVER:
        if time.perf_counter() - began > PATIENCE_S:
            raise RuntimeError(f"The job is {told['job']['state']} after {PATIENCE_S} s.")
        time.sleep(0.02)
    kept = time.perf_counter()
    nodes = Counter(part["node"] for part in told["parts"] if part["state"] == "succeeded")
    if len(nodes) != NODES or set(nodes.values()) != {1}:
        raise RuntimeError(f"{len(nodes)} nodes have a result: {told['job']}")
    first, last = replay.published[0], replay.published[-1]
    return {"published": last - began, "kept": kept - began, "handled": kept - first}


def _rows(took: dict[str, Spread]) -> list[Row]:
    ours, handled, warm, cold = (took[what] for what in ("kept", "handled", "LocalClient", "salt"))
    cpu = f"{took['dispatcher'].median / took['kept'].median:.0%} of a core meanwhile"
    return [
        Row("asked → published to 100 nodes", took["published"].shown(2), "s"),
        Row("asked → 100 results kept", ours.shown(2), "s", f"{ours.over(cold).shown(1)} of salt"),
        Row(
            "first publish → 100 results kept",
            took["handled"].shown(2),
            "s",
            f"{handled.over(warm).shown(1)} of LocalClient",
        ),
        Row("results kept", f"{NODES / took['handled'].median:,.0f}", "results/s"),
        Row("processor time of the dispatcher", took["dispatcher"].shown(2), "s", cpu),
        Row("LocalClient.cmd → 100 returns", warm.shown(2), "s"),
        Row("salt, from the start of the command → 100 returns", cold.shown(2), "s"),
    ]
