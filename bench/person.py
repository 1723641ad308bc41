"""A person who has many bots with a month of samples, and is signed in."""

import re
import time

import requests
from daemons import Service

from bench import telling
from pillar_service.core import names
from pillar_service.core.bots.series import KEPT_S
from pillar_service.core.people.agents import Actual, Belonging
from pillar_service.store import database
from pillar_service.store.bots import bots, samples
from pillar_service.store.jobs import jobs, outputs
from pillar_service.store.people import agents

EMAIL, PASSWORD = "bench@example.org", "correct horse bench 1"
NODE = "bench-node"
BOTS, POURED, STEPS = 50, 5, 12
MONTH_S = 30 * 86_400


def settle(service: Service, person: str) -> str:
    """Give a person (an account's id) the bots; returns the name of the one that has reported for 30 days.

    The last few are still being poured, each with its job and the job's steps.
    """
    database.connect(service.environment["CELLAR_DATABASE"])
    try:
        ids, now = telling.bots(NODE, BOTS), time.time()
        with database.transaction():
            for n, id in enumerate(ids):
                agents.join(person, id, Belonging.OWNER)
                bots.change(id, report=telling.report(id, int(now), n), reported_at=now, pub_id=telling.PUB)
            for id in ids[-POURED:]:
                bots.change(id, actual=str(Actual.PROVISIONING), report=None, reported_at=None)
                _pour(id, now)
            for step, kept in KEPT_S.items():
                at = range(int(now - min(kept, MONTH_S)), int(now), step)
                samples.merge(step, {ids[0]: telling.buckets(0, at, step)})
        return f"{NODE}-0"
    finally:
        database.release()


def _pour(bot: str, now: float) -> None:
    job = names.new_id()
    asked = {"actor": f"account:{EMAIL}", "arguments": {}, "fingerprint": job, "created_at": now, "not_before": now}
    jobs.add(id=job, command="bots.create", bot=bot, node=NODE, state="running", **asked)
    for n in range(1, STEPS + 1):
        outputs.add_line(job, n, str(n), f"Step {n} of pouring it is done.", now)


def cookie(url: str) -> str:
    """Sign in as a browser does; returns the header with the session's cookies."""
    with requests.Session() as browser:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(f"{url}/sign-in", timeout=20).text)
        if found is None:
            raise RuntimeError("The page to sign in has no form.")
        form = {"email": EMAIL, "password": PASSWORD, "csrf_token": found[1]}
        answer = browser.post(f"{url}/sign-in", data=form, timeout=20, allow_redirects=False)
        if answer.status_code != 302:
            raise RuntimeError(f"Nobody is signed in: {answer.status_code}.")
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
