"""Minions that start get our modules, states and beacons."""

import logging
import time

from pillar_service.core import names
from pillar_service.core.errors import SaltcellarError
from pillar_service.master.dispatch.salt_master import SaltMaster

log = logging.getLogger(__name__)

AGAIN_AFTER_S = 10.0
"""A node that says more often that it starts is not heard."""


class Arrivals:
    """Answers starts. Any minion can say that another one starts, so the answer takes nothing from the event but one
    literal id, and is to fetch what that node may have anyway."""

    def __init__(self, master: SaltMaster) -> None:
        self._master = master
        self._greeted: dict[str, float] = {}

    def greet_all(self) -> None:
        """Tells every node that is connected: after an upgrade of the master, what it serves is new."""
        try:
            self._master.publish_to_all("saltutil.sync_all")
        except SaltcellarError as error:
            log.info("No node was told to sync: %s", error)

    def greet(self, node: str) -> None:
        """Tells a node to sync what the master serves, and to refresh its pillar (saltutil.sync_all does both)."""
        # Not several functions in one call, though it asks for more kinds than we serve: with such a call running, Salt's
        # saltutil.is_running, and so each state run that waits for others, fails (fnmatch of a list, 3008.3).
        now = time.monotonic()
        self._greeted = {one: at for one, at in self._greeted.items() if now - at < AGAIN_AFTER_S}
        if node in self._greeted:
            return
        self._greeted[node] = now
        try:
            self._master.publish(names.node_id(node), "saltutil.sync_all", [], self._master.new_jid())
        except SaltcellarError as error:
            log.warning("The start of %r was not answered: %s", node[:128], error)
