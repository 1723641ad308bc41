"""Follows the service's changes, and clears the pillar of a changed node from the master's cache at once.

Nodes whose account's configuration changed are told to take it, so that their state machines use it within two seconds.
"""

import logging
import threading

from pillar_service.core.errors import SaltcellarError
from pillar_service.master.client import LONG_POLL_S, Client
from pillar_service.master.dispatch.backoff import Backoff
from pillar_service.master.dispatch.salt_master import SaltMaster

log = logging.getLogger(__name__)

TAKE = "configuration.take"
"""The minion's function that takes the configuration from its pillar."""


AGAIN_S = 1.0
"""The longest pause, in seconds, before a service that was away is asked again, so that a change reaches a node's next state
run within two seconds."""


def follow(client: Client, master: SaltMaster, stop: threading.Event) -> None:
    """Clears changed pillars until it is stopped; all of them at the start, when contact is lost, and when it is back.

    Otherwise a pillar cached while no changes are heard of would be served as current for as long as the cache keeps it.
    """
    backoff, serial, is_lost = Backoff(stop, AGAIN_S), None, True
    master.clear_pillar(None)
    while not stop.is_set():
        try:
            now, nodes, configured = client.changes(serial, 0 if is_lost else LONG_POLL_S)
            for node in [None] if is_lost else nodes:
                master.clear_pillar(node)
            _let_take(master, configured)
            serial, is_lost = now, False
            backoff.reset()
        except SaltcellarError as error:
            if not is_lost:
                master.clear_pillar(None)
            is_lost = True
            log.warning("Changes to pillars can't be followed: %s", error)
            backoff.wait()


def _let_take(master: SaltMaster, nodes: list[str]) -> None:
    if not nodes:
        return
    try:
        master.publish_to(nodes, TAKE)
    except SaltcellarError as error:
        # Each node also asks on its own now and then.
        log.info("Not all of %d nodes could be told to take their configuration: %s", len(nodes), error)
