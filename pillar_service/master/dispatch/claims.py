"""Claims runs and publishes them."""

import logging
import threading
import time

from pillar_service.core.errors import Conflict, Failed, Forbidden, NotFound, SaltcellarError, Unavailable
from pillar_service.core.jobs.jobs import Reason
from pillar_service.core.meeseeks.runs import STOP_RUNNER
from pillar_service.master.client import Client
from pillar_service.master.dispatch.backoff import Backoff
from pillar_service.master.dispatch.recovery import recover
from pillar_service.master.dispatch.runs import Held, Runs
from pillar_service.master.dispatch.salt_master import SaltMaster
from pillar_service.master.dispatch.watch import stop_runner

log = logging.getLogger(__name__)

FRESH_S = 5.0
"""For how long started runs surely are ours, in seconds; after that the service is asked again before each publish.

A slow master may take long to publish all of them: meanwhile they may have been given up, or given to another master.
"""


def follow(client: Client, name: str, master: SaltMaster, runs: Runs, stop: threading.Event) -> None:
    """Claims and publishes until it is stopped.

    At the start, and after every loss of contact, the runs that we hold according to the service are compared with those that
    we know: the answer to a claim may have been lost. Only one master at a time is given runs; a new fence means that the
    runs of the previous one are ours now.
    """
    backoff, known, fence = Backoff(stop), False, None
    while not stop.is_set():
        try:
            if not known:
                recover(client, name, master, runs)
            given, now = client.claim(name, fence)
            known, fence = now == fence or now is None, now
            if given:
                publish(client, master, runs, given)
            backoff.reset()
        except SaltcellarError as error:
            known, fence = False, None
            log.warning("No jobs can be claimed: %s", error)
            backoff.wait()


def publish(client: Client, master: SaltMaster, runs: Runs, given: list[dict]) -> None:
    """Publishes runs.

    All of them are reported to the service first, so that after a crash at any point it is known which may have been
    published. Raises Unavailable when the service does not answer.
    """
    these = [(run, Held.of(run, master.new_jid())) for run in given]
    for node in {held.node for _, held in these if held.node is not None}:
        master.clear_pillar(node)
    said = time.monotonic()
    refused = client.all_started({held.id: held.jid for _, held in these})
    for run, held in these:
        if held.id in refused:
            log.info("Run %s is no longer ours: %s", held.id, refused[held.id])
        elif time.monotonic() - said < FRESH_S or _is_still_ours(client, held):
            _publish(client, master, runs, run, held)


def _is_still_ours(client: Client, held: Held) -> bool:
    try:
        client.started(held.id, held.jid)
    except (Conflict, Forbidden, NotFound) as error:
        log.info("Run %s is no longer ours: %s", held.id, error)
        return False
    return True


def _publish(client: Client, master: SaltMaster, runs: Runs, run: dict, held: Held) -> None:
    held.published = time.monotonic()
    runs.add(held)
    try:
        if run["function"] == STOP_RUNNER:
            stop_runner(client, master, runs, held, *run["arguments"])
        elif held.node is None:
            master.start_runner(run["function"], run["arguments"], run["keywords"], held.jid)
        else:
            master.publish(held.node, run["function"], _arguments(run), held.jid, held.metadata)
        log.info("Published %s: %s", run["function"], held.about)
    except (NotFound, Failed) as error:
        runs.drop(held.jid)
        reason = Reason.NODE_AWAY if isinstance(error, NotFound) else Reason.NOT_PUBLISHED
        client.failed(held.id, held.jid, reason, str(error))
    except Unavailable as error:
        # It may have been published, or may still be: it is followed, and `watch` finds out.
        log.warning("Run %s may not have been published: %s", held.id, error)


def _arguments(run: dict) -> list:
    """A run's arguments in Salt's form: keywords become a last argument with a mark."""
    keywords = run.get("keywords") or {}
    return [*run.get("arguments", []), *([{"__kwarg__": True, **keywords}] if keywords else [])]
