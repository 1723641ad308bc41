"""The pillar endpoint under load.

wrk with 2 threads and 16 connections asks for random nodes of 10,000 and of 100,000, token and all, and gets the
whole body (no ETag is sent, so nothing is answered with 304). Bare Flask is one route that answers a body of that
size, under the same gunicorn settings (those shipped) and without token or database; nginx serves that body as a
file, on as many workers. All four are up at once and take turns; an answer that is not 200, or is not whole, fails
the benchmark. wrk takes its share of the same cores from all four.
"""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from daemons import Daemon, Service, running, until
from ports import free_port
from requests import get

from bench import TOP, seeds
from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread

ROUNDS, SECONDS, CONNECTIONS = 5, 3, 16
SMALL, LARGE = 10_000, 100_000
NGINX = """daemon off; user root; worker_processes 2; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off; default_type application/json; keepalive_requests 100000000; client_body_temp_path {folder}/body;
  server {{ listen 127.0.0.1:{port}; root {folder}; location / {{ try_files /body.json =404; }} }}
}}
"""


def measure(cellar: Cellar) -> list[Row]:
    """Measure requests per second of ours with both tables, of bare Flask and of nginx."""
    with ExitStack() as stack:
        (folder := cellar.folder / "pillar").mkdir()
        small, large = (serve(stack, folder / f"{count}", count) for count in (SMALL, LARGE))
        (folder / "body.json").write_text(seeds.body(small, SMALL - 1))
        token = small.token_file.read_text().strip()
        asked = {
            "bare": (
                stack.enter_context(bare(small, folder, Server.path, "bare", str(folder / "body.json"))),
                SMALL,
                token,
            ),
            "small": (small.url, SMALL, token),
            "large": (large.url, LARGE, large.token_file.read_text().strip()),
            "nginx": (stack.enter_context(_nginx(folder)), SMALL, token),
        }
        size = (folder / "body.json").stat().st_size
        for target in asked.values():
            _wrk(*target, seed=0, size=size)  # the first answers fill caches and load modules
        rounds = [{name: _wrk(*to, seed, size) for name, to in asked.items()} for seed in range(1, ROUNDS + 1)]
    return _rows({name: Spread(tuple(one[name] for one in rounds)) for name in asked}, size)


def _rows(found: dict[str, Spread], size: int) -> list[Row]:
    ours, growth = found["small"].over(found["bare"]), found["large"].over(found["small"])
    large, limit = found["large"].over(found["bare"]), found["small"].over(found["nginx"])
    unit = "requests/s"
    return [
        Row(f"bare Flask, {size} bytes", found["bare"].shown(0), unit),
        Row(
            f"ours, {SMALL:,} nodes",
            found["small"].shown(0),
            unit,
            f"{ours.shown(2)} of bare Flask",
            "≥ 0.6",
            ours.median >= 0.6,
        ),
        Row(
            f"ours, {LARGE:,} nodes",
            found["large"].shown(0),
            unit,
            f"{large.shown(2)} of bare Flask",
            "≥ 0.6",
            large.median >= 0.6,
        ),
        Row("", "", "", f"{growth.shown(2)} of {SMALL:,} nodes", "≥ 0.8", growth.median >= 0.8),
        Row("nginx, a file (the limit)", found["nginx"].shown(0), unit, f"ours {limit.shown(3)} of it"),
    ]


def serve(stack: ExitStack, folder: Path, count: int) -> Service:
    """Run the service with so many nodes, until the stack is closed."""
    service = Service(folder)
    del service.environment["CELLAR_WORKERS"]  # the tests' single worker is not what is shipped
    stack.enter_context(running(service))
    seeds.fill(service, count)
    return service


class Server(Daemon):
    """A server that is up once it answers at its path."""

    url, path = "", f"/pillar/{seeds.name(0)}"

    def __enter__(self) -> str:
        try:
            self.start()
            until(lambda: get(f"{self.url}{self.path}", timeout=2).ok, 20, f"{self.name} answers")
        except BaseException:
            self.stop()
            raise
        return self.url

    def __exit__(self, *_raised: object) -> None:
        self.stop()


def bare(service: Service, folder: Path, path: str, module: str, *arguments: str) -> Server:
    """A server of a bare module of ours, with the settings of that service's private app, on its own port."""
    port = free_port()
    environment = service.environment | {"CELLAR_PRIVATE_PORT": str(port), "PYTHONPATH": str(TOP)}
    server = Server(module, [sys.executable, "-m", f"bench.{module}", *arguments], folder, environment)
    server.url, server.path = f"http://127.0.0.1:{port}", path
    return server


def _nginx(folder: Path) -> Server:
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    server = Server("nginx", ["/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], folder)
    server.url = f"http://127.0.0.1:{port}"
    return server


def _wrk(url: str, nodes: int, token: str, seed: int, size: int) -> float:
    options = ["-t", "2", "-c", str(CONNECTIONS), "-d", str(SECONDS), "-s", str(Path(__file__).with_name("wrk.lua"))]
    command = ["wrk", *options, url, "--", str(nodes), str(seed), token]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(ran.stdout.splitlines()[-1])
    if told["failed"] or told["bytes"] < told["requests"] * size * 0.95:
        raise RuntimeError(f"{url} did not answer every request in full: {ran.stdout}")
    return told["requests"] / told["microseconds"] * 1e6
