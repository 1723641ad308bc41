"""Answering minions that start: they get our modules, states and beacons."""

import logging
import time

from pillar_service.core import names
from pillar_service.core.errors import SaltcellarError
from pillar_service.master.dispatch.salt_master import SaltMaster

log = logging.getLogger(__name__)

AGAIN_AFTER_S = 10.0
"""For how many seconds after an answer to a node its further starts wait."""


class Arrivals:
    """Answers minions' start events.

    Any minion could claim that another one starts. So the answer takes only the literal id from the event, and makes that
    node fetch only what it may have anyway.
    """

    def __init__(self, master: SaltMaster) -> None:
        self._master = master
        self._greeted: dict[str, float] = {}
        self._late: set[str] = set()

    def greet_all(self) -> None:
        """Tells all connected nodes to sync, as a master that was upgraded serves new files."""
        try:
            self._master.publish_to_all("saltutil.sync_all")
        except SaltcellarError as error:
            log.info("No node was told to sync: %s", error)

    def greet(self, node: str) -> None:
        """Tells a node to sync what the master serves, and to refresh its pillar (saltutil.sync_all does both).

        One that starts again soon after an answer is answered once more later, by `catch_up`: its restart may have cut off
        the first answer, or it may have come back with an empty disk.
        """
        now = time.monotonic()
        self._greeted = {one: at for one, at in self._greeted.items() if now - at < AGAIN_AFTER_S}
        if node in self._greeted:
            self._late.add(node)
        else:
            self._answer(node, now)

    def catch_up(self) -> None:
        """Answers the nodes whose further starts have waited long enough; to be called now and then."""
        now = time.monotonic()
        due = {node for node in self._late if now - self._greeted.get(node, 0.0) >= AGAIN_AFTER_S}
        self._late -= due
        for node in sorted(due):
            self._answer(node, now)

    def _answer(self, node: str, now: float) -> None:
        # sync_all asks for more kinds than we serve, but several functions in one call would be worse: while such a call
        # runs, Salt's saltutil.is_running fails (fnmatch of a list, 3008.3), and with it each state run that waits for others.
        self._greeted[node] = now
        try:
            self._master.publish(names.node_id(node), "saltutil.sync_all", [], self._master.new_jid())
        except SaltcellarError as error:
            log.warning("The node %r has started, but could not be told to sync: %s", node[:128], error)
