"""Recovery after a restart or a loss of contact: what became of the runs that we hold according to the service."""

import logging
from typing import Any

from pillar_service.core.errors import Conflict, Forbidden, NotFound
from pillar_service.core.jobs.jobs import Reason
from pillar_service.master.client import Client
from pillar_service.master.dispatch.runs import Held, Runs
from pillar_service.master.dispatch.salt_master import SaltMaster

log = logging.getLogger(__name__)


def recover(client: Client, name: str, master: SaltMaster, runs: Runs) -> None:
    """Follows exactly the runs that we hold according to the service; raises Unavailable if it does not answer."""
    theirs = client.runs(name)
    for run in theirs:
        if not run["jid"] or not runs.has(run["jid"]):
            _take_up(client, master, runs, run)
    jids = {run["jid"] for run in theirs}
    for held in runs.all():
        if held.jid not in jids:
            log.info("The service says that run %s is over; no longer following it.", held.id)
            runs.drop(held.jid)
    for jid in master.runners() - jids:
        log.info("The service says that the runner %s is over, or another master's; ending it.", jid)
        master.end_runner(jid)


def _take_up(client: Client, master: SaltMaster, runs: Runs, run: dict[str, Any]) -> None:
    jid = run["jid"]
    # A run that was taken over may have been published by another master: its node will return it, or `watch` asks there.
    is_out = run["taken_over"] or (jid and (jid in master.runners() or master.was_saved(jid)))
    if jid and (is_out or master.returned(jid, run["node"]) is not None):
        runs.add(Held.of(run, jid))
        runs.returned(jid, run["node"])
        log.info("Following run %s (jid %s) again.", run["id"], jid)
        return
    try:
        if not client.failed(run["id"], jid, Reason.NOT_PUBLISHED, "The dispatcher stopped before it was published."):
            runs.add(Held.of(run, jid))
    except (Conflict, Forbidden, NotFound) as error:
        log.info("Run %s is no longer ours: %s", run["id"], error)
