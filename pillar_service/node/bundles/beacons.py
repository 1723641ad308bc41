"""The beacons of the bundle in use, run as Salt runs its own: at each interval `validate`, then `beacon`.

Their code comes from the verified signed file and never from the folder: a file that somebody changed there, or left there
(a compiled one), is not loaded. Fired events go onto Salt's bus and into the spool, which keeps them.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.nodes.bundles import Event
from pillar_service.node.bundles.keeping import Keeping, of_minion, told_of_bundles
from pillar_service.node.lastgood import Kept
from pillar_service.node.machines.telling import Telling
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool
from pillar_service.node.told import Told

log = logging.getLogger(__name__)

VERIFIED_FOR_S = 60.0
"""Seconds after which the signed file is verified again, even if it has not changed."""

_running: dict[tuple[str, Home], "Beacons"] = {}


def beacons(opts: Mapping[str, Any]) -> "Beacons":
    """The beacons of the minion with this configuration: one object, which stays when Salt reloads its beacon file."""
    node, home = opts["id"], Home.at((opts.get("saltcellar") or {}).get("data"))
    if (node, home) not in _running:
        known = Kept(home, node, Path(opts["pki_dir"])).told
        settings = told_of_bundles(opts).get("settings") or {}
        _running[node, home] = Beacons(of_minion(home, opts, known), known, Spool(home), settings)
    return _running[node, home]


class Beacons:
    """The bundle's beacons. ``known`` returns what the pillar says; ``settings`` holds each beacon's settings by its name.

    No other object may use ``spool``, which is closed after each call of ``fire``.
    """

    def __init__(self, keeping: Keeping, known: Callable[[], Told], spool: Spool, settings: Mapping[str, Any]) -> None:
        self._keeping, self._known, self._spool, self._tell = keeping, known, spool, Telling(spool)
        self._settings = settings
        self._code: dict[str, bytes] = {}
        self._modules: dict[str, ModuleType] = {}
        self._said: dict[str, str] = {}
        self._seen: object = None
        self._seen_at = float("-inf")

    def fire(self, lent: Mapping[str, Any], now_monotonic: float) -> list[dict[str, Any]]:
        """Run each beacon; returns what fired, as Salt expects it. ``lent``: what Salt's loader gives one (`__salt__` …)."""
        self._look(now_monotonic)
        fired = [one for name in sorted(self._code) for one in self._fired(name, lent)]
        self._spool.close()  # the minion forks a process for each job, which must inherit no connection
        return fired

    def _look(self, now: float) -> None:
        """Load the code that was signed, if it is time to verify it or the signed file has changed."""
        stamp = self._keeping.stamp()
        if stamp == self._seen and now - self._seen_at < VERIFIED_FOR_S:
            return
        code: dict[str, bytes] = {}
        try:
            key = self._keeping.key(self._known().bundle_key)
            code = self._keeping.beacons(key) if key else {}
        except (SaltcellarError, OSError) as error:
            log.debug("bundled: running no beacons. %s", error)  # the duty `bundles` tells the service why
        self._modules = {name: one for name, one in self._modules.items() if self._code[name] == code.get(name)}
        self._code, self._seen, self._seen_at = code, stamp, now

    def _fired(self, name: str, lent: Mapping[str, Any]) -> list[dict[str, Any]]:
        settings = self._settings.get(name) or {}
        try:
            events = _called(self._module(name, lent), settings if isinstance(settings, list) else [settings])
        except Exception as error:  # a beacon is somebody else's code and may raise anything
            self._say(name, f"{type(error).__name__}: {error}")
            return []
        self._said.pop(name, None)
        for event in events:
            self._tell(Event.FIRED, name, event)
        return [{**event, "tag": "/".join(filter(None, (name, str(event.get("tag") or ""))))} for event in events]

    def _module(self, name: str, lent: Mapping[str, Any]) -> ModuleType:
        made = self._modules.get(name) or ModuleType(f"saltcellar_bundled.{name}")
        vars(made).update(lent)
        if name not in self._modules:
            exec(compile(self._code[name], f"bundle/beacons/{name}.py", "exec"), vars(made))  # noqa: S102  (it is signed)
            self._modules[name] = made
        return made

    def _say(self, name: str, why: str) -> None:
        if self._said.get(name) != why:
            log.warning("bundled: the beacon %s of the bundle can't be run. %s", name, why)
            self._said[name] = why


def _called(module: Any, settings: list[Any]) -> list[dict[str, Any]]:
    """What a beacon returns; raises whatever the beacon raises, and ValueError if it can't run or returns nonsense."""
    if hasattr(module, "__virtual__") and module.__virtual__() is False:
        raise ValueError("It declines to be loaded here: its __virtual__ returns False.")
    if hasattr(module, "validate"):
        is_valid, why = module.validate(settings)
        if not is_valid:
            raise ValueError(why)
    events = module.beacon(settings)
    if not isinstance(events, list) or not all(isinstance(one, dict) for one in events):
        raise ValueError("It must return a list of objects.")
    return events
