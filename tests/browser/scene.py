"""The service under gunicorn, with people, their bots and what happened to them, for looking at its pages."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import furnishing
import telling
from daemons import Service, running
from flask import render_template
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.serving import make_server

from pillar_service.core import errors
from pillar_service.settings import settings
from pillar_service.usecases.service import storage

RECOVERY = ("k3", "qx", "7w", "ma", "5t", "hn", "z2", "ub")

FAULTS: dict[int, Exception] = {
    400: BadRequest(),
    403: errors.Forbidden("You may not delete my: ask one of its owners."),
    409: errors.Conflict("The name garden is taken: choose another."),
    413: RequestEntityTooLarge(),
    422: errors.Invalid("The name has an underscore: use small letters, digits and dashes."),
    429: errors.TooMany("Too many sign-ins failed: wait 15 minutes, then try again."),
    500: errors.Failed("Something went wrong on our side: it is in the service's log. Try again in a minute."),
    503: errors.Unavailable("The database does not answer: try again in a minute."),
    507: errors.Full("No node can take another bot now (1 is full): delete a bot, or add a node."),
}


@dataclass
class Scene:
    """A service with content. ``known`` fills the braces in places' paths."""

    service: Service
    faults: str = ""
    known: dict[str, str] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    """The operator's recovery codes; each works once."""
    told_at: float = 0.0

    def tell(self) -> None:
        """Let the node report on its bots and chat make a link, unless both are recent. Must be called `inside` the service."""
        if time.monotonic() - self.told_at > 45:
            telling.tell(self.known)
            self.known["link"] = furnishing.link()
            self.told_at = time.monotonic()

    def address(self, path: str) -> str:
        """The address of a place's path."""
        if path.startswith(("fault:", "shown:")):
            return f"{self.faults}/{path.replace(':', '/')}"
        return self.service.public_url + path.format(**self.known)


@contextlib.contextmanager
def inside(service: Service) -> Iterator[None]:
    """Let this process work on the service's database, so that use cases can be called."""
    with mock.patch.dict(os.environ, service.environment):
        settings.cache_clear()
        storage.prepare()
        try:
            yield
        finally:
            storage.release()
            settings.cache_clear()
    if "CELLAR_DATABASE" in os.environ:
        storage.prepare()  # back inside the service that was used before


def furnish(scene: Scene) -> None:
    """Make everything that the pages show; the service must be running."""
    known = furnishing.people()
    scene.codes += furnishing.operator()
    known |= furnishing.several()
    known |= telling.month(known["my"])
    known |= furnishing.work(known)
    furnishing.machines(known)  # last: labels make jobs
    furnishing.settings(known)
    known |= furnishing.mail(scene.service.folder / "mailbox", known)
    scene.known |= known
    scene.tell()


@contextlib.contextmanager
def faults(service: Service) -> Iterator[str]:
    """Serve the same pages on the same database, plus paths that fail or that show what is shown once; gives the address."""
    from pillar_service.web.public import create_app

    def fail(status: int) -> str:
        raise FAULTS[status]

    def token() -> str:
        secret, script = "Yk3vJ0qk2Gm0wZ7bq9n1C5xR8dTfLs4uHaPeViMoNxE", "https://butt.nz/enrol.sh"
        told = {"secret": secret, "script": script, "line": f"curl -fsS {script} | sh -s -- {secret}"}
        told |= {"hidden": f"curl -fsS {script} | CELLAR_ENROL_TOKEN={secret} sh"}
        made = {**told, "pattern": "shed", "expires_at": 1_800_000_000.0}
        return render_template("node_token_made.html", token=made, back="/nodes")

    def forwarding() -> str:
        made = {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "address": "https://hooks.example.org/saltcellar"}
        return render_template("forwarding_made.html", made=made, back="/account/forwardings")

    def shown() -> str:
        return render_template("recovery_codes.html", codes=["-".join([pair * 2] * 4) for pair in RECOVERY])

    with inside(service):
        app = create_app()
        app.add_url_rule("/fault/<int:status>", "fault", fail)
        app.add_url_rule("/shown/recovery", "shown", shown)
        app.add_url_rule("/shown/node-token", "token", token)
        app.add_url_rule("/shown/forwarding", "forwarding", forwarding)
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
    """A furnished scene in a folder."""
    made = Service(folder)
    made.environment["CELLAR_MAIL"] = f"file://{folder}/mailbox"
    with running(made) as service:
        scene = Scene(service)
        with inside(service):
            furnish(scene)
        with faults(service) as scene.faults:
            yield scene
