"""The duty `bundles`: verifies the bundle in use, fetches a newer one, and tells what was taken, refused or repaired."""

import logging
import time
from collections.abc import Callable

from pillar_service.core.errors import SaltcellarError, Unavailable
from pillar_service.core.nodes.bundles import Event, Manifest
from pillar_service.node.bundles import fetching
from pillar_service.node.bundles.keeping import Keeping
from pillar_service.node.door import Door
from pillar_service.node.machines.telling import Telling
from pillar_service.node.told import Told

log = logging.getLogger(__name__)

AGAIN_S = 3600.0
"""Seconds after which a refused bundle is fetched again."""


class Bundles:
    """Runs once a minute. ``told`` returns what the pillar says now or said last; without a key in it the last one is used."""

    name, every_s = "bundles", 60.0

    def __init__(self, keeping: Keeping, told: Callable[[], Told], tell: Telling) -> None:
        self._keeping, self._told, self._tell = keeping, told, tell
        self._said: str | None = None
        self._declined: tuple[object, float] = (None, 0.0)

    def run(self, now_monotonic: float = 0.0) -> None:
        """Verify the bundle in use, then look for a newer one."""
        told = self._told()
        key = self._keeping.key(told.bundle_key)
        if not key:
            return
        faults, manifest = [], None
        try:
            manifest = self._verify(key)
            if manifest and self._keeping.has_expired(manifest):
                faults.append(f"The bundle in use, {manifest.serial}, has expired: publish it again.")
        except (SaltcellarError, OSError) as error:
            faults.append(str(error))
        try:
            self._fetch(told, key, manifest)
        except Unavailable as error:
            log.debug("bundles: %s", error)
        except (SaltcellarError, OSError) as error:
            faults.append(str(error))
        self._refused(" ".join(faults))

    def _verify(self, key: str) -> Manifest | None:
        manifest, changed = self._keeping.verify(key)
        if changed and manifest:
            self._tell(Event.MENDED, str(manifest.serial), {"serial": manifest.serial, "changed": changed[:100]})
        return manifest

    def _fetch(self, told: Told, key: str, used: Manifest | None) -> None:
        door = Door(told.service)
        offered = fetching.offer(door)
        serial = offered and offered.get("serial")
        if not offered or (used and used.serial == serial) or self._is_declined(serial):
            return
        whole = fetching.fetch(door, str(offered.get("path")))
        try:
            manifest = self._keeping.take(whole, key)
        except SaltcellarError:
            self._declined = (serial, time.monotonic() + AGAIN_S)
            raise
        log.info("bundles: %s is in use", manifest.serial)
        self._tell(
            Event.TAKEN, str(manifest.serial), {"serial": manifest.serial, "files": sorted(manifest.files)[:100]}
        )

    def _is_declined(self, serial: object) -> bool:
        return self._declined[0] == serial and time.monotonic() < self._declined[1]

    def _refused(self, why: str) -> None:
        """Tell why something was refused, once, until the reason changes."""
        if why and why != self._said:
            log.warning("bundles: %s", why)
            self._tell(Event.REFUSED, "bundle", {"why": why})
        self._said = why
