"""The beacons of the bundle in use, run as Salt runs its own: `validate`, then `beacon`, each interval.

Their code is taken from the signed file, verified, and never from the folder: what somebody changed there, or left beside
it (a compiled file), is not loaded. What fires goes onto Salt's bus and, to be kept, into the spool.
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
"""How long one look at the signed file counts, as long as it is the same file."""

_running: dict[tuple[str, Home], "Beacons"] = {}


def beacons(opts: Mapping[str, Any]) -> "Beacons":
    """Those of the minion with this configuration: Salt loads its own file anew whenever it likes, these stay."""
    node, home = opts["id"], Home.at((opts.get("saltcellar") or {}).get("data"))
    if (node, home) not in _running:
        known = Kept(home, node, Path(opts["pki_dir"])).told
        settings = told_of_bundles(opts).get("settings") or {}
        _running[node, home] = Beacons(of_minion(home, opts, known), known, Spool(home), settings)
    return _running[node, home]


class Beacons:
    """``known`` gives what the pillar says; the spool is this object's own; ``settings`` are those of each, by its name."""

    def __init__(self, keeping: Keeping, known: Callable[[], Told], spool: Spool, settings: Mapping[str, Any]) -> None:
        self._keeping, self._known, self._spool, self._tell = keeping, known, spool, Telling(spool)
        self._settings = settings
        self._code: dict[str, bytes] = {}
        self._modules: dict[str, ModuleType] = {}
        self._said: dict[str, str] = {}
        self._seen: object = None
        self._seen_at = float("-inf")

    def fire(self, lent: Mapping[str, Any], now_monotonic: float) -> list[dict[str, Any]]:
        """What fires now, as Salt takes it from a beacon; ``lent`` is what Salt's loader gives one (`__salt__` …)."""
        self._look(now_monotonic)
        fired = [one for name in sorted(self._code) for one in self._fired(name, lent)]
        self._spool.close()  # the minion forks a process for each job: no connection may go along
        return fired

    def _look(self, now: float) -> None:
        """Let the code be what was signed."""
        stamp = self._keeping.stamp()
        if stamp == self._seen and now - self._seen_at < VERIFIED_FOR_S:
            return
        code: dict[str, bytes] = {}
        try:
            key = self._keeping.key(self._known().bundle_key)
            code = self._keeping.beacons(key) if key else {}
        except (SaltcellarError, OSError) as error:
            log.debug("bundled: no beacon runs. %s", error)  # the duty `bundles` tells why
        self._modules = {name: one for name, one in self._modules.items() if self._code[name] == code.get(name)}
        self._code, self._seen, self._seen_at = code, stamp, now

    def _fired(self, name: str, lent: Mapping[str, Any]) -> list[dict[str, Any]]:
        settings = self._settings.get(name) or {}
        try:
            events = _called(self._module(name, lent), settings if isinstance(settings, list) else [settings])
        except Exception as error:  # it is somebody's own code, and may raise anything
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
    """What a beacon returns; raises whatever it raises, and ValueError for what makes no sense."""
    if hasattr(module, "__virtual__") and module.__virtual__() is False:
        raise ValueError("It does not want to be loaded here.")
    if hasattr(module, "validate"):
        is_valid, why = module.validate(settings)
        if not is_valid:
            raise ValueError(why)
    events = module.beacon(settings)
    if not isinstance(events, list) or not all(isinstance(one, dict) for one in events):
        raise ValueError("It must return a list of objects.")
    return events
