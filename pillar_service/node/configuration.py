"""The configuration of this node's account: the last good copy of what the pillar told, for whoever reads it here.

It stands on the disk, so that machines go by it while the centre is away, and after a restart.
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
"""How often a node asks by itself, by how much of that each a little earlier or later; and after how long again."""


class Configuration:
    """Reads what stands on the disk; any process of the node may, at the same time."""

    def __init__(self, home: Home) -> None:
        self._file = home.state / "configuration.json"
        self._read: tuple[tuple[int, int], dict[str, Any]] | None = None

    def take(self, ask: Callable[[], Told]) -> list[str]:
        """Keep what the pillar tells; the keys that are another than before, sorted.

        ``ask`` gets the pillar. An old copy of it changes nothing; raises Unavailable when it tells nothing.
        """
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._file.with_suffix(".lock").open("w") as lock:
            # Of two that take at once the later asks later: an older answer never comes after a newer one.
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self._keep(ask())

    def _keep(self, told: Told) -> list[str]:
        if told.problem is not None or told.configuration is None:
            raise Unavailable(told.problem or "The pillar tells no configuration: the service is an older one.")
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
        """The value of a key; raises NotFound. This is what the watcher `kv` of machines asks."""
        found = self._kept()["keys"].get(key)
        if found is None:
            raise rules.missing(key)
        return found["value"]

    def _kept(self) -> dict[str, Any]:
        """The copy on the disk, read again when it is another file; nothing while there is none that can be read."""
        try:
            stands = self._file.stat()
            mark = (stands.st_ino, stands.st_mtime_ns)
            if self._read is None or self._read[0] != mark:
                self._read = (mark, rules.read(json.loads(self._file.read_bytes())) or _nothing())
        except (OSError, ValueError):
            return _nothing()
        return self._read[1]


class Asking:
    """The duty `configuration`: asks the service now and then, for a node that was away when it was told to take it.

    Not a schedule of Salt's, which looks each second whether the function is there: before the first sync it is not, and
    then Salt loads every module that it has into the minion, for good.
    """

    name, every_s = "configuration", 5.0

    def __init__(self, home: Home, known: Known) -> None:
        self._kept, self._known, self._due = Configuration(home), known, float("-inf")

    def run(self, now_monotonic: float) -> None:
        """Ask, if it is time to; what can't be had is asked for again."""
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
    """Set a key of this node's account at the service; raises Changed where another revision stands than this one."""
    return Door(told.service).set_key(rules.key(key), value, revision)


def delete(told: Told, key: str, revision: int | None = None) -> None:
    """Take a key of this node's account away at the service; raises Changed likewise."""
    Door(told.service).delete_key(rules.key(key), revision)


def put(home: Home, known: Known, key: str, value: Any) -> None:
    """Set a key where there stands at the service what this node knows of it; it knows the new value from then on.

    Raises Changed where somebody else did so meanwhile, which it knows then, too; Unavailable while the service is away.
    """
    kept, told = Configuration(home), known()
    before = kept.all().get(key)
    if before is not None and rules.written(before["value"]) == rules.written(value):
        return
    try:
        change(told, key, value, before["revision"] if before else 0)
    finally:
        with contextlib.suppress(SaltcellarError, OSError):  # it is told soon in any case
            kept.take(lambda: _asked(told))
