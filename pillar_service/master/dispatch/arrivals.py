"""Answering minions that start: they get our modules, states and beacons."""

import logging
import time

from pillar_service.core import names
from pillar_service.core.errors import SaltcellarError
from pillar_service.master.dispatch.salt_master import SaltMaster

log = logging.getLogger(__name__)

AGAIN_AFTER_S = 10.0
"""For how many seconds after an answer to a node its further starts are ignored."""


class Arrivals:
    """Answers minions' start events.

    Any minion could claim that another one starts. So the answer takes only the literal id from the event, and makes that
    node fetch only what it may have anyway.
    """

    def __init__(self, master: SaltMaster) -> None:
        self._master = master
        self._greeted: dict[str, float] = {}

    def greet_all(self) -> None:
        """Tells all connected nodes to sync, as a master that was upgraded serves new files."""
        try:
            self._master.publish_to_all("saltutil.sync_all")
        except SaltcellarError as error:
            log.info("No node was told to sync: %s", error)

    def greet(self, node: str) -> None:
        """Tells a node to sync what the master serves, and to refresh its pillar (saltutil.sync_all does both)."""
        # sync_all asks for more kinds than we serve, but several functions in one call would be worse: while such a call
        # runs, Salt's saltutil.is_running fails (fnmatch of a list, 3008.3), and with it each state run that waits for others.
        now = time.monotonic()
        self._greeted = {one: at for one, at in self._greeted.items() if now - at < AGAIN_AFTER_S}
        if node in self._greeted:
            return
        self._greeted[node] = now
        try:
            self._master.publish(names.node_id(node), "saltutil.sync_all", [], self._master.new_jid())
        except SaltcellarError as error:
            log.warning("The node %r has started, but could not be told to sync: %s", node[:128], error)
