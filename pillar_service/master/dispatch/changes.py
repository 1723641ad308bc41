"""Follows the service's changes: a changed node's pillar leaves the master's cache at once."""

import logging
import threading

from pillar_service.core.errors import SaltcellarError
from pillar_service.master.client import Client
from pillar_service.master.dispatch.backoff import Backoff
from pillar_service.master.dispatch.salt_master import SaltMaster

log = logging.getLogger(__name__)


def follow(client: Client, master: SaltMaster, stop: threading.Event) -> None:
    """Clears until it is stopped; everything at the start, and after a loss of contact once it answers again."""
    backoff, serial = Backoff(stop), None
    while not stop.is_set():
        try:
            after, (serial, nodes) = serial, client.changes(serial)
            for node in [None] if after is None else nodes:
                master.clear_pillar(node)
            backoff.reset()
        except SaltcellarError as error:
            serial = None
            log.warning("Changes of pillars can't be followed: %s", error)
            backoff.wait()
