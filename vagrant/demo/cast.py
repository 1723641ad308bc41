"""The people, bots and nodes of the tour, by the settings in the environment."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pillar_service.core.jobs.jobs import OVER, JobState
from pillar_service.master.client import Client

CELLAR = Path(os.environ["CELLAR_DIR"])
SECRETS = CELLAR / "secrets"
DOMAIN = os.environ["CELLAR_DOMAIN"]
PAGES = f"http://127.0.0.1:{os.environ['CELLAR_PUBLIC_PORT']}"
DESK = f"http://127.0.0.1:{os.environ['CELLAR_DESK_PORT']}"
NODES = {os.environ["CELLAR_NODE"]: CELLAR / "node", os.environ["CELLAR_NODE_2"]: CELLAR / "node-2"}
"""Each node, and the folder of its data."""

ANN, BEN, OLGA = "ann@example.org", "ben@example.org", "operator@example.org"
PEOPLE = {ANN: ("Ann", "person"), BEN: ("Ben", "person"), OLGA: ("Olga", "operator")}
FIRST, SECOND = NODES
BOTS = {
    "garden": (ANN, FIRST, "Seeds and soil"),
    "orchard": (ANN, SECOND, "Apples, mostly"),
    "library": (BEN, SECOND, "Books that travel"),
    "harbour": (BEN, FIRST, "Boats and weather"),
    "lobby": (OLGA, SECOND, "Where newcomers arrive"),
}
"""Each bot: its owner, its node, and a line about it."""

TEAM, OLGA_THERE, BEN_THERE = "T01", "U01", "U02"
"""The ids of the team, of Olga and of Ben in Slack."""


class Untold(Exception):
    """A part of the story did not happen; the message says which, and where to look."""


def client() -> Client:
    """A client of the service's private app, as a master has one."""
    private = f"http://127.0.0.1:{os.environ['CELLAR_PRIVATE_PORT']}"
    return Client(private, str(SECRETS / "master-token"), actor="demo")


def until(found: Callable[[], Any], seconds: float, what: str, every_s: float = 0.5) -> Any:
    """Call ``found`` until it returns something true, and return that; raises Untold after so many seconds."""
    end = time.monotonic() + seconds
    while not (value := found()):
        if time.monotonic() > end:
            raise Untold(f"After {seconds:g} s, it is still not true that {what}: read the logs in {CELLAR / 'log'}.")
        time.sleep(every_s)
    return value


def succeeded(service: Client, job: str, seconds: float = 180) -> dict[str, Any]:
    """Wait until a job has succeeded, and return it; raises Untold if it failed."""

    def ended() -> dict[str, Any] | None:
        found = service.job(job)[0]
        return found if found["state"] in OVER else None

    found = dict(until(ended, seconds, f"the job {job} ended"))
    if found["state"] != JobState.SUCCEEDED:
        raise Untold(f"The job {job} ({found['command']}) ended as {found['state']}: {found.get('error') or ''}")
    return found
