"""Runs this node's machines: an instance of each for the node, or for each of its bots."""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.machines.machines import Each, Event
from pillar_service.node.machines import containers as docker
from pillar_service.node.machines import looks, memory
from pillar_service.node.machines.asking import FIRE
from pillar_service.node.machines.governed import Govern, nobody
from pillar_service.node.machines.instance import Instance
from pillar_service.node.machines.library import Library, Loaded
from pillar_service.node.machines.memory import Memory
from pillar_service.node.machines.telling import Telling
from pillar_service.node.paths import Home

log = logging.getLogger(__name__)

THREADS = 6
REFRESH_S = 5.0
"""Seconds between looks for files and bots."""
WAITS_S = 60.0
"""Seconds that an event fired by hand waits for its instance."""
SWEEP_S = 3600.0
"""Seconds between looks for what is remembered of bots that are gone."""

Bots = Callable[[str], Mapping[str, str]]


class Engine:
    """All machines of a node; one thread calls ``tick`` about once a second."""

    def __init__(
        self,
        home: Home,
        node: str,
        tell: Telling,
        configuration: looks.Configuration,
        put: looks.Put,
        bots: Bots = docker.bots,
        service: Callable[[], str] = str,
        govern: Govern = nobody,
    ) -> None:
        self._home, self._node, self._configuration, self._put = home, node, configuration, put
        self._bots, self._service, self._govern = bots, service, govern
        self._tell = tell
        self.library = Library(home, self._broken)
        self.instances: dict[tuple[str, str], Instance] = {}
        self._pool = ThreadPoolExecutor(THREADS, "machines")
        self._subjects: dict[str, str] = {}
        self._asked: Future[Mapping[str, str]] | None = None
        self._due = self._sweeps_at = 0.0

    def _broken(self, name: str, fault: str) -> None:
        log.warning("machines: %s", fault)
        self._tell(Event.BROKEN, name, {"machine": name, "faults": fault[:2000]})

    def close(self) -> None:
        """Shut the thread pool down."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def tick(self, now: float) -> None:
        """Advance every machine. One that fails does not stop the others."""
        if now >= self._due:
            self._due = now + REFRESH_S
            self.library.refresh()
            if self._asked is None and any(one.each is Each.BOT for one in self.library.machines.values()):
                self._asked = self._pool.submit(self._bots, self._node)
        self._hear(now)
        self._arrange()
        self._take_fired()
        for key, one in list(self.instances.items()):
            try:
                one.tick(now, self._pool, self._configuration)
            except Exception:
                log.exception("machines: %s of %s failed", *key)

    def _hear(self, now: float) -> None:
        """Take in which bots there are; while Docker does not answer, the known ones stay."""
        if self._asked is None or not self._asked.done():
            return
        try:
            self._subjects = dict(self._asked.result())
            self._forget_gone(now)
        except (SaltcellarError, OSError) as error:
            log.debug("machines: %s", error)
        self._asked = None

    def _forget_gone(self, now: float) -> None:
        if now >= self._sweeps_at:
            self._sweeps_at = now + SWEEP_S
            for name, one in self.library.machines.items():
                if one.each is Each.BOT:
                    memory.forget_others(self._home.running, name, self._subjects)

    def _arrange(self) -> None:
        """Make an instance of each machine for each subject; an instance with an action under way is replaced after it."""
        wanted = {(name, subject): one for name, one in self.library.loaded.items() for subject in self._of(one)}
        for key, instance in list(self.instances.items()):
            is_same = key in wanted and wanted[key].content == instance.loaded.content
            if not is_same and (instance.is_waiting or not instance.is_busy):
                del self.instances[key]
        for key, loaded in wanted.items():
            if key not in self.instances:
                self.instances[key] = self._made(loaded, key[1])

    def _of(self, loaded: Loaded) -> list[str]:
        return [self._node] if loaded.machine.each is Each.NODE else sorted(self._subjects)

    def _made(self, loaded: Loaded, subject: str) -> Instance:
        places = {"node": self._node, "data": str(self._home.root)}
        places |= {"checks": str(self._home.bundles / "current" / "checks")}
        places |= {"python": sys.executable}
        if loaded.machine.each is Each.BOT:
            places |= {"bot": subject, "container": self._subjects[subject]}
        kept = Memory.at(memory.path(self._home.running, loaded.machine.name, subject))
        # The service's address may only be known after we begin.
        found = lambda: {**places, "service": self._service()}  # noqa: E731
        return Instance(loaded, subject, found, kept, self._tell, self._put, self._govern)

    def _take_fired(self) -> None:
        """Take in events that somebody fired by hand (`machines.fire`).

        One for a bot waits a while for its instance: after the agent's start, Docker has not said yet which bots there are.
        """
        folder = self._home.running / FIRE
        for name in sorted(_names(folder)):
            told = _asked(folder / name)
            instance = self.instances.get((str(told.get("machine")), str(told.get("subject"))))
            is_early = bool(told) and instance is None
            if _is_taken(folder / name, WAITS_S if is_early else 0.0) and instance:
                instance.fire(str(told.get("event")), "hand")


def _names(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.endswith(".json") and name[0] != "."]
    except FileNotFoundError:
        return []


def _asked(file: Path) -> dict[str, Any]:
    """What was asked for; empty if the file can't be read, and then it is of no use."""
    try:
        told = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _is_taken(file: Path, least_s: float) -> bool:
    """Delete a file that is at least so many seconds old; returns whether it did: on a disk that can't be written, no."""
    try:
        if abs(time.time() - file.stat().st_mtime) < least_s:
            return False
        file.unlink()
    except OSError:
        return False
    return True
