"""The duty `lifecycle`: tells that this node's agent started, lives, stops or is upgraded, and that its clock was set."""

import logging
import platform
from collections.abc import Callable
from typing import Any

from pillar_service import __version__
from pillar_service.core.errors import SaltcellarError
from pillar_service.core.events.submission import Lifecycle, Priority
from pillar_service.node import clock, disk
from pillar_service.node.clock import Moment
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool

log = logging.getLogger(__name__)

STREAM = "lifecycle"
ALIVE_EVERY_S = 1800.0
STEP_S = 2.0
"""By how many seconds a clock must have been set to be worth telling: a slewed clock never is."""


class Beat:
    """Runs every 5 s. If an event can't be put into the spool, this is logged, and tried again where that makes sense."""

    name, every_s = "lifecycle", 5.0

    def __init__(self, home: Home, node: str, spool: Spool, salt: str, now: Callable[[], Moment] = clock.now) -> None:
        self._node, self._spool, self._now = node, spool, now
        self._file = home.state / "version"
        self._versions = {"saltcellar": __version__, "salt": salt, "python": platform.python_version()}
        self._is_started = False
        self._told_at = float("-inf")
        self._before: Moment | None = None
        self._said = ""

    def run(self, now_monotonic: float) -> None:
        """Tell what is due."""
        if not self._is_started:
            self._is_started = self._start(now_monotonic)
        elif now_monotonic - self._told_at >= ALIVE_EVERY_S and self._tell(Lifecycle.ALIVE, self._standing()):
            self._told_at = now_monotonic
        self._look_at_the_clock()

    def stop(self) -> None:
        """Tell that the agent stops."""
        if self._is_started:
            self._tell(Lifecycle.STOP, self._versions)

    def _start(self, now_monotonic: float) -> bool:
        if not self._tell(Lifecycle.START, self._standing()):
            return False
        self._told_at = now_monotonic
        before, is_now = self._version(), self._versions["saltcellar"]
        if before not in (None, is_now) and not self._tell(Lifecycle.UPGRADE, {"from": before, "to": is_now}):
            return False
        if before != is_now:
            try:
                disk.write_atomically(self._file, is_now.encode())
            except OSError as error:
                log.warning("lifecycle: the version can't be noted: %s", error)
        return True

    def _version(self) -> str | None:
        try:
            return self._file.read_text()
        except (OSError, ValueError):
            return None

    def _standing(self) -> dict[str, Any]:
        """Versions, uptime and the spool's status, which is left out if it can't be read."""
        told: dict[str, Any] = {**self._versions, "uptime_s": round(self._now().mono, 1)}
        try:
            status = self._spool.status()
        except SaltcellarError:
            return told
        return told | {"spool": {name: value for name, value in status.items() if name != "streams"}}

    def _look_at_the_clock(self) -> None:
        before, now = self._before, self._now()
        self._before = now
        if before is None or before.boot != now.boot:
            return
        step = (now.at - before.at) - (now.mono - before.mono)
        if abs(step) >= STEP_S:
            told = {"step_s": round(step, 3), "synchronised": now.is_synced, "was_synchronised": before.is_synced}
            if not self._tell(Lifecycle.CLOCK, told):
                self._before = before

    def _tell(self, type: Lifecycle, data: dict[str, Any]) -> bool:
        try:
            self._spool.put(type, self._node, data, stream=STREAM, priority=Priority.VITAL)
        except SaltcellarError as error:
            if error.sentence != self._said:
                log.warning("lifecycle: %s could not be kept. %s", type, error.sentence)
                self._said = error.sentence
            return False
        self._said = ""
        return True
