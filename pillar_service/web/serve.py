"""Run one of the apps under gunicorn."""

import ctypes
import gc
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from pillar_service import logs
from pillar_service.settings import settings
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.service import measuring, storage
from pillar_service.web import backing_up, building, forwarding, posting, takeover, waiting, watching

KEEP_ALIVE_S = 75
"""How long an idle connection stays open, in seconds: masters and nodes come back every few seconds."""

M_MMAP_THRESHOLD = -3
"""The parameter's number in glibc's malloc.h. Blocks above its value are mapped separately, and unmapped when freed."""

STOP_S = 60
"""How long requests may go on after the server was told to stop, in seconds: tars take long; long polls end at once."""


class Log(Logger):  # type: ignore[misc]
    """Gunicorn's logger, but its messages go to our log. Its access log, if there is one, stays as it is."""

    def setup(self, cfg: Any) -> None:
        """Remove gunicorn's own handler."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc]
    """A gunicorn server for one app, configured by our settings instead of a file."""

    def __init__(self, app: str, access_log: str | None) -> None:
        self.chosen, self.access_log = app, access_log
        super().__init__()

    def load_config(self) -> None:
        for name, value in options(self.chosen, self.access_log).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # Import only the app that is served: the public app's libraries take 12 MiB.
        if self.chosen == "public":
            from pillar_service.web import public

            return self._with_chat(public.create_app())
        from pillar_service.web import private

        return private.create_app()

    def _with_chat(self, app: Flask) -> Any:
        """The app, with Slack's door beside it if a Slack app is configured; the door's libraries take some MiB."""
        if not settings().slack_signing_secret:
            return app
        from pillar_service.chatops.parts import Mounted

        return Mounted(app)


def options(app: str, access_log: str | None) -> dict[str, Any]:
    """Gunicorn's settings for the app ``public`` or ``private``; ``access_log`` is a file, or None."""
    chosen = settings()
    host, port = {
        "public": (chosen.public_host, chosen.public_port),
        "private": (chosen.private_host, chosen.private_port),
    }[app]
    return {
        "bind": f"{host}:{port}",
        "proc_name": f"saltcellar-{app}",
        "workers": chosen.workers,
        "threads": chosen.threads,
        "worker_class": "gthread",
        "control_socket_disable": True,
        "preload_app": True,  # so that the workers share the memory of what is imported
        "keepalive": KEEP_ALIVE_S,
        "graceful_timeout": STOP_S,
        "timeout": 60,
        "accesslog": access_log,
        "logger_class": Log,
        "pre_fork": lambda _server, _worker: _keep_for_good(),  # gunicorn inspects the signature
        "child_exit": lambda _, worker: measuring.work_ended(worker.pid),
        "pre_exec": _begin_by_launcher,
        "on_exit": takeover.hand_over,
        "post_worker_init": _start_public if app == "public" else _stop_long_polls,
    }


def _begin_by_launcher(server: Arbiter) -> None:
    if settings().launcher:
        takeover.begin_by(settings().launcher, server)


def _give_memory_back() -> None:
    # Argon2 takes 19 MiB for each password; glibc would keep that in the arena of each thread that ever checked one.
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 20)


def _keep_for_good() -> None:
    # What is loaded before the fork stays for good. Without this, each full collection would look at all of it: a pause
    # of some 100 ms for everybody who waits for a page, and each worker would copy memory that it so far shares.
    gc.collect()
    gc.freeze()


def _stop_long_polls(worker: Worker) -> None:
    measuring.work_begins()
    waiting.is_stopping = lambda: not worker.alive
    takeover.end_the_one_before()


def _start_public(worker: Worker) -> None:
    _stop_long_polls(worker)
    posting.start()
    watching.start()
    forwarding.start()
    if settings().backup_repository and settings().backup_keeper == "service":
        backing_up.start()
    if settings().cloud:
        building.start()
    if hasattr(worker.wsgi, "begin"):
        worker.wsgi.begin()  # its inbox belongs to this process


def run(app: str, access_log: str | None = None) -> None:
    """Migrate the database, refresh the pillars, then serve until told to stop.

    SIGUSR2 starts a successor: see takeover.py.
    """
    takeover.prepare()
    logs.begin(settings().log)
    _give_memory_back()
    storage.prepare()
    storage.migrate()
    pillars.refresh()
    measuring.begin(app)  # last: if anything above fails, the counts stay those of the server that goes on
    storage.release()
    Server(app, access_log).run()
