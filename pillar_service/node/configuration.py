"""The configuration of this node's account: the last good copy.

It is on disk, so that machines can use it while the service is away and after a restart.
"""

import contextlib
import fcntl
import json
import logging
import random
from collections.abc import Callable
from typing import Any

from pillar_service.core.errors import SaltcellarError, Unavailable
from pillar_service.core.nodes import configuration as rules
from pillar_service.node import disk
from pillar_service.node.door import Door
from pillar_service.node.lastgood import Known
from pillar_service.node.paths import Home
from pillar_service.node.told import Told

log = logging.getLogger(__name__)

EVERY_S, SPLAY, AGAIN_S = 300.0, 0.1, 30.0
"""Seconds between two requests, the share of that by which they vary, and seconds until the next try after a failure."""


class Configuration:
    """The copy on disk, which any number of the node's processes may use at the same time."""

    def __init__(self, home: Home) -> None:
        self._file = home.state / "configuration.json"
        self._read: tuple[tuple[int, int], dict[str, Any]] | None = None

    def take(self, ask: Callable[[], Told]) -> list[str]:
        """Keep the configuration in the pillar that ``ask`` returns; returns the keys that have changed, sorted.

        A stale pillar's is kept only if its revision is higher. Raises Unavailable if the pillar has none.
        """
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._file.with_suffix(".lock").open("w") as lock:
            # Asked under the lock: so an older answer never replaces a newer one.
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self._keep(ask())

    def _keep(self, told: Told) -> list[str]:
        if told.problem is not None or told.configuration is None:
            raise Unavailable(told.problem or "The pillar has no configuration: the service is an older version.")
        before, now = self._kept(), told.configuration
        if now == before or (told.notice is not None and now["revision"] <= before["revision"]):
            return []
        disk.write_atomically(self._file, json.dumps(now).encode())
        keys = set(before["keys"]) | set(now["keys"])
        return sorted(key for key in keys if before["keys"].get(key) != now["keys"].get(key))

    def all(self) -> dict[str, Any]:
        """Every key with its ``value`` and ``revision``."""
        return dict(self._kept()["keys"])

    def get(self, key: str) -> Any:
        """The value of a key; raises NotFound. The watcher `kv` of machines calls this."""
        found = self._kept()["keys"].get(key)
        if found is None:
            raise rules.missing(key)
        return found["value"]

    def _kept(self) -> dict[str, Any]:
        """The copy on disk, read again when the file has changed; an empty one if the file can't be read."""
        try:
            stands = self._file.stat()
            mark = (stands.st_ino, stands.st_mtime_ns)
            if self._read is None or self._read[0] != mark:
                self._read = (mark, rules.read(json.loads(self._file.read_bytes())) or _nothing())
        except (OSError, ValueError):
            return _nothing()
        return self._read[1]


class Asking:
    """The duty `configuration`: asks the service now and then, in case the node was away when it was told of a change.

    This is no Salt schedule, because Salt checks every second whether a scheduled function exists. Before the first sync
    it does not, and then Salt loads all its modules into the minion for good.
    """

    name, every_s = "configuration", 5.0

    def __init__(self, home: Home, known: Known) -> None:
        self._kept, self._known, self._due = Configuration(home), known, float("-inf")

    def run(self, now_monotonic: float) -> None:
        """Ask, if it is time to; after a failure, try again later."""
        if now_monotonic < self._due:
            return
        pause = AGAIN_S
        try:
            self._kept.take(self._ask)
            pause = EVERY_S * random.uniform(1 - SPLAY, 1 + SPLAY)  # noqa: S311  (no secret)
        except (SaltcellarError, OSError) as error:
            log.debug("configuration: %s", error)
        self._due = now_monotonic + pause

    def _ask(self) -> Told:
        return _asked(self._known())


def _asked(told: Told) -> Told:
    return Told(configuration=rules.read(Door(told.service).configuration()))


def _nothing() -> dict[str, Any]:
    return {"revision": 0, "keys": {}}


def change(told: Told, key: str, value: Any, revision: int | None = None) -> dict[str, Any]:
    """Set a key of this node's account at the service; raises Changed unless the key has this ``revision`` (None: any)."""
    return Door(told.service).set_key(rules.key(key), value, revision)


def delete(told: Told, key: str, revision: int | None = None) -> None:
    """Delete a key of this node's account at the service; raises Changed likewise."""
    Door(told.service).delete_key(rules.key(key), revision)


def put(home: Home, known: Known, key: str, value: Any) -> None:
    """Set a key at the service, if it has the revision there that this node knows; then take over the new configuration.

    Raises Changed if somebody else has set it meanwhile, and takes that over; Unavailable while the service is away.
    """
    kept, told = Configuration(home), known()
    before = kept.all().get(key)
    if before is not None and rules.written(before["value"]) == rules.written(value):
        return
    try:
        change(told, key, value, before["revision"] if before else 0)
    finally:
        with contextlib.suppress(SaltcellarError, OSError):  # the node gets it soon in any case
            kept.take(lambda: _asked(told))
