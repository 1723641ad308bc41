"""Minions that start get our modules, states and beacons."""

import logging
import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import SaltcellarError
from pillar_service.master.dispatch.salt_master import SaltMaster

log = logging.getLogger(__name__)

SERVED = ("beacons", "grains", "modules", "states")
"""The kinds of modules that we serve, each from `states/_KIND`. Salt's ``sync_all`` asks its master for eighteen kinds, and
loads the minion's key for each (60 ms of a processor): a node that starts was busy for three seconds."""

SYNC = [*(f"saltutil.sync_{kind}" for kind in SERVED), "saltutil.refresh_pillar"]
ARGUMENTS: list[Any] = [*(["base", False] for _ in SERVED), []]
"""Of each of these functions: where from, and that its refresh waits for that of the pillar, which loads all anew."""

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
            self._master.publish_to_all(SYNC, ARGUMENTS)
        except SaltcellarError as error:
            log.info("No node was told to sync: %s", error)

    def greet(self, node: str) -> None:
        """Tells a node to sync what the master serves, and to refresh its pillar."""
        now = time.monotonic()
        self._greeted = {one: at for one, at in self._greeted.items() if now - at < AGAIN_AFTER_S}
        if node in self._greeted:
            return
        self._greeted[node] = now
        try:
            self._master.publish(names.node_id(node), SYNC, ARGUMENTS, self._master.new_jid())
        except SaltcellarError as error:
            log.warning("The start of %r was not answered: %s", node[:128], error)
