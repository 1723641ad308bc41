"""What each process takes, after use, and what a minion takes of a processor while nobody asks it for anything.

RSS, PSS (shared pages divided among those who share them) and USS (its own alone) from ``smaps_rollup``. The
service's processes after 400 pillars, 240 pages and 24 sign-ins of three people, twelve at once. The master with our
ext_pillar, cache driver and dispatcher beside one with Salt's defaults, and the minion with our beacon, states,
modules and a pub beside one that has none of it: started at the same time, and given the same calls (40 pillars
compiled, 20 pings, 5 states), summed over all processes of each. Two pubs on one node, after 30 s in which nothing
asked them for anything but their own health check and our beacon: what each has for itself is its cgroup's usage
without the page cache. The pages of node and its libraries are there once for all pubs of an image, can go at any
time, and are charged to the pub that touched them first: how many of them were used lately is shown beside it.

Then, for two minutes in which nobody asks for anything, the processor time (user and system) of all processes of both
minions and of what they started, as percent of a core; and the same once our node has no pub any more.
"""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psutil
import requests
import salt.client
from daemons import Daemon, Service, running
from salt_daemons import Master, Minion, SaltProcess

from bench import processes
from bench.cellar import Cellar, call, local_client
from bench.report import Row

IDLE_S = 30
WATCHED_S = 120
AT_ONCE = 12
PEOPLE = tuple(f"{name}@example.org" for name in ("ann", "ben", "cleo"))
"""Three people, because ten sign-ins of one person at once count as guessing (core/people/limits.py)."""

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True)
class Taken:
    """MiB of one process, or of several together."""

    rss: float
    pss: float
    uss: float

    def shown(self) -> str:
        """The three figures."""
        return f"{self.rss:.1f} / {self.pss:.1f} / {self.uss:.1f}"


def measure(cellar: Cellar) -> list[Row]:
    """Measure MiB of the service's processes, of what we add to master and minion, and of an idle pub."""
    pubs = [cellar.create(name) for name in ("first", "second")]
    for made in pubs:
        cellar.done(made["job"])
    with ExitStack() as stack:
        folder = cellar.folder / "plain"
        master = Master(folder / "master", cellar.service.url, cellar.service.token_file, **_nothing_of_ours())
        stack.enter_context(running(master))
        minion = Minion(folder / "minion", "plain", master, include=[], saltcellar={})
        stack.enter_context(running(minion)).wait()
        _use(cellar.salt, cellar.node)
        _use(local_client(master), "plain")
        _use_service(cellar)
        time.sleep(IDLE_S)
        rows = [*_service_rows(cellar.service)]
        rows += _added("master", _of(master), _of(cellar.master), 60)
        rows += _added("minion", _of(minion), _of(cellar.minion), 25)
        rows += [_pub_row(cellar, made["agent"]) for made in pubs]
        rows += _idle_rows("its two pubs", minion, cellar.minion)
        cellar.delete([made["agent"]["id"] for made in pubs])
        time.sleep(IDLE_S)
        rows += _idle_rows("no pub", minion, cellar.minion)
    return rows


def _idle_rows(pubs: str, plain: Minion, ours: Minion) -> list[Row]:
    both = (plain, ours)
    before, began = [processes.all_cpu_s(one) for one in both], time.monotonic()
    time.sleep(WATCHED_S)
    after, took = [processes.all_cpu_s(one) for one in both], time.monotonic() - began
    without, with_ours = (100 * (end - start) / took for start, end in zip(before, after, strict=True))
    added = with_ours - without
    return [
        Row("minion without ours, idle, meanwhile", f"{without:.2f}", "% of a core"),
        Row(
            f"minion with ours and {pubs}, idle", f"{with_ours:.2f}", "% of a core", f"{added:+.2f}", "< 1 %", added < 1
        ),
    ]


def _pub_row(cellar: Cellar, agent: dict[str, Any]) -> Row:
    memory = cellar.engine.containers.get(f"{agent['name']}-{agent['id']}").stats(stream=False)["memory_stats"]
    pages = memory["stats"]
    # cgroup v1 also counts what is below the cgroup (total_…), v2 has one figure
    cached = pages.get("total_cache", pages.get("file", 0))
    used_lately = pages.get("total_active_file", pages.get("active_file", 0))
    own = memory["usage"] - cached
    also = f"and {used_lately / 2**20:.1f} of the image's pages"
    return Row(f"an idle pub, the {agent['name']}", f"{own / 2**20:.1f}", "MiB", also, "< 40 MB", own < 40e6)


def _nothing_of_ours() -> dict[str, Any]:
    empty: dict[str, Any] = {key: [] for key in ("include", "ext_pillar", "engines", "runner_dirs")}
    # Its keys have that name, as in what is shipped.
    return empty | {"id": "saltcellar_master", "saltcellar": {}, "file_roots": {"base": []}}


def _use(client: salt.client.LocalClient, node: str) -> None:
    for _ in range(40):  # enough for each of the master's workers to have compiled some
        call(client, node, "saltutil.refresh_pillar", "wait=True", "clean_cache=True")
    for _ in range(20):
        call(client, node, "test.ping")
    for _ in range(5):
        call(client, node, "state.single", "test.nop", "name=nothing")


def _use_service(cellar: Cellar) -> None:
    service = cellar.service
    token = {"Authorization": f"Bearer {service.token_file.read_text().strip()}"}
    for email in PEOPLE:
        cellar.client.create_agent({"type": "person", "email": email, "password": email})
    with ThreadPoolExecutor(AT_ONCE) as people:
        for signed_in in [people.submit(_sign_in, service.public_url, email) for email in PEOPLE * 8]:
            signed_in.result()
    for _ in range(400):
        requests.get(f"{service.url}/pillar/{_any_node(service, token)}", headers=token).raise_for_status()


def _sign_in(url: str, email: str) -> None:
    with requests.Session() as person:
        found = TOKEN.search(person.get(f"{url}/sign-in").text)
        told = {"csrf_token": found and found[1], "email": email, "password": email}
        person.post(f"{url}/sign-in", told).raise_for_status()
        for _ in range(10):
            person.get(f"{url}/bots").raise_for_status()


def _any_node(service: Service, token: dict[str, str]) -> str:
    return str(requests.get(f"{service.url}/nodes", headers=token).json()["nodes"][0]["id"])


def _service_rows(service: Service) -> list[Row]:
    rows = []
    for name, app in service.apps.items():
        for process in processes.of(app):
            taken, is_worker = _taken([process]), process.ppid() == app.pid
            what = f"service, {name}, {'worker' if is_worker else 'its parent'}"
            gate, met = ("RSS < 90 MB", taken.rss * 2**20 < 90e6) if is_worker else ("", None)
            rows.append(Row(what, taken.shown(), "MiB RSS / PSS / USS", "", gate, met))
    return rows


def _added(name: str, without: Taken, with_ours: Taken, most: int) -> list[Row]:
    pss, uss = with_ours.pss - without.pss, with_ours.uss - without.uss
    met = max(pss, uss) * 2**20 < most * 1e6
    return [
        Row(f"{name} without ours, all processes", without.shown(), "MiB RSS / PSS / USS"),
        Row(
            f"{name} with ours",
            with_ours.shown(),
            "MiB RSS / PSS / USS",
            f"PSS +{pss:.1f}, USS +{uss:.1f}",
            f"< {most} MB",
            met,
        ),
    ]


def _of(daemon: Daemon | SaltProcess) -> Taken:
    return _taken(processes.of(daemon))


def _taken(these: list[psutil.Process]) -> Taken:
    found = [process.memory_full_info() for process in these]
    return Taken(*(sum(getattr(one, kind) for one in found) / 2**20 for kind in ("rss", "pss", "uss")))
