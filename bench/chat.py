"""From a line in Slack to the publish.

The clock starts before Slack sends its signed event, in which somebody writes `@mrmeeseeks number n=7 -l node=…`, and stops
when the master's own ``salt/job/<jid>/new`` event for that call has arrived on its bus. In between: the signature, the
inbox on disk, the ack, roles and selector, the job on disk, the dispatcher's claim, the jid written down. Slack is the
tests' fake, at the wire; the service (gunicorn, its default workers), the chat process, the master and its node are as
shipped. Beside it a warm ``LocalClient.pub`` of `test.arg` on the same node and, every fifth round, `salt --async` of it
(from the start of the command), with the same end. They take turns, with a random pause between them; each waits until
the one before it has returned.
"""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from daemons import Daemon, Service, running, until
from fakes.slack import Slack
from salt_daemons import BIN, Master, Minion

from bench import waiting_jobs
from bench.bus import Bus
from bench.cellar import Cellar, local_client
from bench.report import Row
from bench.spread import Spread
from pillar_service.master.client import Client

ROUNDS, ASYNC_EVERY = 60, 5
PAUSE_S = (0.3, 0.6)
NODE, WHO = "bench-chat", "T01/U01"


def measure(cellar: Cellar) -> list[Row]:
    """Measure milliseconds to the publish: from chat, from a warm client, and from Salt's own command."""
    with ExitStack() as stack:
        slack = Slack(rate_s=0.1, burst=3)
        stack.callback(slack.close)
        slack.workspace.team = "T01"
        service = stack.enter_context(running(_service(cellar, slack)))
        service.manage("node-add", NODE, "--ports", "24500-24509")
        stack.enter_context(running(_chat(service)))
        slack.delivers_to(f"{service.public_url}/slack")
        master = stack.enter_context(running(Master(service.folder / "m", service.url, service.token_file)))
        minion = stack.enter_context(running(Minion(service.folder / "n", NODE, master)))
        minion.wait()
        assert master.salt(NODE, "meeseeks.capacities")["has"]
        client = Client(service.url, str(service.token_file), actor="bench")
        took = _rounds(slack, client, master, stack.enter_context(Bus(local_client(master).opts, _number)))
        if slack.refused:
            raise RuntimeError(f"Slack refused: {slack.refused[:3]}")
    return _rows({way: Spread(tuple(seconds)) for way, seconds in took.items()})


def _service(cellar: Cellar, slack: Slack) -> Service:
    service = Service(cellar.folder / "chat")
    del service.environment["CELLAR_WORKERS"]  # the tests' single worker is not what is shipped
    told = {"BOT_TOKEN": slack.bot_token, "SIGNING_SECRET": slack.secret, "URL": slack.url}
    service.environment |= {f"CELLAR_SLACK_{name}": value for name, value in told.items()}
    service.environment |= waiting_jobs.catalogue()
    return service


def _chat(service: Service) -> Daemon:
    return Daemon("chat", [sys.executable, "-m", "pillar_service.chatops"], service.folder, service.environment)


def _number(function: str, arguments: list[Any]) -> int | None:
    if function == "meeseeks.run" and len(arguments) > 3 and isinstance(arguments[3], dict):
        return int(arguments[3]["n"])
    return int(arguments[0]) if function == "test.arg" and arguments else None


def _rounds(slack: Slack, client: Client, master: Master, bus: Bus) -> dict[str, list[float]]:
    ann, warm = slack.user(WHO), local_client(master)
    command = [str(BIN / "salt"), "-c", str(master.etc), "--async", NODE, "test.arg"]
    ways: dict[str, Callable[[int], Any]] = {
        "chat": lambda n: ann.mentions(f"number n={n} -l node={NODE}", thread=f"{n}.0"),
        "LocalClient": lambda n: warm.pub([NODE], "test.arg", [n], tgt_type="list"),
        "salt --async": lambda n: subprocess.run([*command, str(n)], check=True, capture_output=True),
    }
    took: dict[str, list[float]] = {way: [] for way in ways}
    numbers = iter(range(1, 10_000))
    for turn in range(-2, ROUNDS):  # the first rounds load modules, and don't count
        few = [*ways][: 3 if turn % ASYNC_EVERY == 0 else 2]
        for way in random.sample(few, len(few)):
            time.sleep(random.uniform(*PAUSE_S))
            n, began = next(numbers), time.perf_counter()
            ways[way](n)
            until(lambda n=n: n in bus.returned, 30, f"{way} returns")
            if turn >= 0:
                took[way].append(bus.new[n] - began)
    if any(job["state"] not in ("succeeded", "running") for job in client.command_jobs()):
        raise RuntimeError("Not every command succeeded.")
    return took


def _rows(took: dict[str, Spread]) -> list[Row]:
    chat, warm, command = took["chat"], took["LocalClient"], took["salt --async"]
    p95 = chat.percentile(95) * 1000
    every = Spread(chat.rounds[::ASYNC_EVERY])
    return [
        Row("chat → published", chat.in_ms(), "ms", "", "p95 < 100 ms", p95 < 100),
        Row("warm LocalClient", warm.in_ms(), "ms", f"chat takes {chat.over(warm).shown(1)} times as long"),
        Row("salt --async", command.in_ms(), "ms", f"chat takes {every.over(command).shown(2)} of it"),
    ]
