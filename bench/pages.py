"""The pages under load.

Somebody is signed in who has 50 bots, five of them being poured. wrk with 2 threads and 16 connections asks, with the
session's cookie, for the dashboard, and for the status page of a bot with 30 days of samples (``?span=month``), from
the public app as shipped (gunicorn, its default workers). Bare is a Jinja page of about that size in a Flask app of one
route under the same settings: no session, no database. They take turns; an answer that is not 200, or is not whole,
fails the benchmark. wrk takes its share of the same cores from all.
"""

import json
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import requests

from bench import person, pillar
from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread
from pillar_service.master.client import Client

ROUNDS, SECONDS, CONNECTIONS = 5, 4, 16
LEAST_PER_S, MOST_MS = 200, 100


class Page(NamedTuple):
    """A page to ask for: its URL, the session's cookie, and its least size in bytes."""

    url: str
    cookie: str
    least: int


class Told(NamedTuple):
    """What wrk found in one round: pages per second, and milliseconds."""

    per_s: float
    p50: float
    p99: float


def measure(cellar: Cellar) -> list[Row]:
    """Measure pages per second and milliseconds of the dashboard and a status page, each beside a bare page of its size."""
    with ExitStack() as stack:
        service = cellar.new_service("pages")
        client = Client(service.url, str(service.token_file), actor="bench")
        account = client.create_agent({"type": "person", "email": person.EMAIL, "password": person.PASSWORD})
        bot = person.settle(service, account["agent"]["id"])
        cookie = person.cookie(service.public_url)
        paths = {"dashboard, 50 bots": "/bots", "status, 30 days": f"/bots/{bot}/status?span=month"}
        bare = stack.enter_context(pillar.bare(service, cellar.folder / "pages", "/page/1000", "bare_page"))
        asked = {}
        for called, path in paths.items():
            page = asked[called] = _page(f"{service.public_url}{path}", cookie)
            asked[f"bare, as {called}"] = _page(f"{bare}/page/{page.least}", "")
        for page in asked.values():
            _wrk(page)  # the first answers load modules and templates
        rounds = [{called: _wrk(page) for called, page in asked.items()} for _ in range(ROUNDS)]
    return [row for called in paths for row in _rows(called, asked, rounds)]


def _page(url: str, cookie: str) -> Page:
    answer = requests.get(url, headers={"Cookie": cookie}, timeout=20, allow_redirects=False)
    if answer.status_code != 200 or not answer.text.rstrip().endswith("</html>"):
        raise RuntimeError(f"{url} shows no page: {answer.status_code} {answer.text[:300]}")
    told = answer.text
    if cookie and not (
        told.count("<article>") == person.BOTS if url.endswith("/bots") else "30 days in figures" in told
    ):
        raise RuntimeError(f"{url} does not show what is asked for.")
    return Page(url, cookie, int(len(answer.content) * 0.98))  # times and tokens vary in length


def _rows(called: str, asked: dict[str, Page], rounds: list[dict[str, Told]]) -> list[Row]:
    def spread(name: str, figure: str) -> Spread:
        return Spread(tuple(getattr(told[name], figure) for told in rounds))

    def ms(name: str) -> str:
        return f"p50 {spread(name, 'p50').shown()}, p99 {spread(name, 'p99').shown()}"

    bare = f"bare, as {called}"
    ours, p99 = spread(called, "per_s"), spread(called, "p99")
    ratio = f"{ours.over(spread(bare, 'per_s')).shown(3)} of bare"
    size = f"{asked[called].least / 0.98 / 1000:.0f} kB"
    return [
        Row(bare, spread(bare, "per_s").shown(0), "pages/s"),
        Row("", ms(bare), "ms"),
        Row(f"{called}, {size}", ours.shown(0), "pages/s", ratio, f"≥ {LEAST_PER_S}", ours.median >= LEAST_PER_S),
        Row("", ms(called), "ms", "", f"p99 < {MOST_MS}", p99.median < MOST_MS),
    ]


def _wrk(page: Page) -> Told:
    options = [
        "-t",
        "2",
        "-c",
        str(CONNECTIONS),
        "-d",
        str(SECONDS),
        "-s",
        str(Path(__file__).with_name("wrk_page.lua")),
    ]
    command = ["wrk", *options, page.url, "--", page.cookie, str(page.least)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(ran.stdout.splitlines()[-1])
    if told["failed"] or not told["requests"]:
        raise RuntimeError(f"{page.url} did not answer every request with the whole page: {ran.stdout}")
    return Told(told["requests"] / told["microseconds"] * 1e6, told["p50"] / 1000, told["p99"] / 1000)
