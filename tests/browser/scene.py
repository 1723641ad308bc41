"""What the pages are looked at with: the service under gunicorn, some people, their bots, and what happened to them."""

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pouring
from daemons import Service, running
from places import NEWCOMER, OPERATOR, OWNER
from werkzeug.serving import make_server

from pillar_service.core import errors
from pillar_service.settings import settings
from pillar_service.usecases import accounts, health, jobs, nodes, runs, storage

PASSWORD = "long enough 1"  # what pouring.owner() gives
NODE = "cellar-1"
INVITE = "my.butt.nz:20000:" + pouring.PUB + "~UiS26K5C6zpgmq/t6ggyXo5gkE0eTWRq1BGqSMIpQwc="

FAULTS = {
    403: errors.Forbidden("You may not delete my: ask one of its owners."),
    422: errors.Invalid("The name has an underscore: use small letters, digits and dashes."),
    429: errors.TooMany("Too many sign-ins failed: wait 15 minutes, then try again."),
    500: errors.Failed("Something went wrong on our side: it is in the service's log. Try again in a minute."),
    503: errors.Unavailable("The database does not answer: try again in a minute."),
}


@dataclass
class Scene:
    """A service with something in it. ``known`` fills the braces in the places' paths."""

    service: Service
    faults: str = ""
    known: dict[str, str] = field(default_factory=dict)

    def address(self, path: str) -> str:
        """Where a place of the table stands."""
        if path.startswith("fault:"):
            return f"{self.faults}/{path.replace(':', '/')}"
        return self.service.public_url + path.format(**self.known)


@contextlib.contextmanager
def inside(service: Service) -> Iterator[None]:
    """This process works on the service's database: use cases can be called."""
    with mock.patch.dict(os.environ, service.environment):
        settings.cache_clear()
        storage.prepare()
        try:
            yield
        finally:
            storage.release()
            settings.cache_clear()


def furnish(scene: Scene) -> None:
    """Bring in people, bots in several states, and jobs that went well and badly."""
    nodes.add("scene", NODE)
    for email in (OWNER, NEWCOMER):
        pouring.owner(email)
    accounts.create("scene", OPERATOR, name="Olga", password=PASSWORD, role="operator")
    my = pouring.poured("my", email=OWNER, description="The garden's friend")["id"]
    your = pouring.poured("your", email=OWNER)["id"]
    for n in range(6):
        scene.known["invite"] = _invited(f"carol {n}" if n else "alice")
    scene.known["failed"] = _failed()
    well = pouring.report(my, uptime_s=100 * 86_400, memory_bytes=100 << 20, rx_bytes=64 << 30, tx_bytes=36 << 30)
    sick = pouring.report(your, health="unhealthy", answers=False, memory_bytes=251 << 20)
    health.take(NODE, [pouring.event(well, sick)])
    scene.known |= {"my": my, "your": your}


def _invited(note: str) -> str:
    job = jobs.submit("scene", "bots.invite", "my", {"uses": 1, "note": note})["job"]["id"]
    [run] = runs.claim("salt")
    runs.started("salt", run["id"], f"jid-{run['id']}")
    pouring.answer(run, {"id": "1", "code": INVITE, "note": note, "uses": 1})
    return str(job)


def _failed() -> str:
    job = jobs.submit("scene", "bots.restart", "your")["job"]["id"]
    [run] = runs.claim("salt")
    runs.started("salt", run["id"], f"jid-{run['id']}")
    lines = ("container: ok, restarted.", "alive: waiting for the pub to answer", "alive: no answer for 60 s")
    runs.add_lines("salt", run["id"], [{"key": str(n), "text": text} for n, text in enumerate(lines)])
    pouring.answer(run, "ERROR: The pub does not answer on its control socket.", success=False, retcode=1)
    return str(job)


@contextlib.contextmanager
def faults(service: Service) -> Iterator[str]:
    """The same pages on the same database, with addresses /fault/<status> that fail; gives the server's address."""
    from pillar_service.web.public import create_app

    def fail(status: int) -> str:
        raise FAULTS[status]

    with inside(service):
        app = create_app()
        app.add_url_rule("/fault/<int:status>", "fault", fail)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def furnished(folder: Path) -> Iterator[Scene]:
    """A scene in a folder, while it lasts."""
    with running(Service(folder)) as service:
        scene = Scene(service)
        with inside(service):
            furnish(scene)
        with faults(service) as scene.faults:
            yield scene
