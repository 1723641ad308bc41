"""The machines that come along with Saltcellar: a bundle like any other, for nodes that no other is meant for."""

import time
from collections.abc import Mapping

from pillar_service.core.nodes import bundles as rules
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.nodes import bundles as rows
from pillar_service.usecases.nodes import bundles

RENEWED_S = 180 * 86_400
"""The bundle is signed anew when less than this is left of its life."""

PLACE = "place"
"""Who signs it, in the audit."""


def ship() -> int | None:
    """Sign the shipped machines unless the same ones are already offered and last; returns the serial, else None.

    Raises Invalid with every fault of every machine.
    """
    files, now = _files(), time.time()
    if not files or not settings().bundle_key or _is_offered(files, now):
        return None
    bundles.check(files)
    with transaction():
        if _is_offered(files, now):
            return None
        return bundles.keep(PLACE, files, now, rules.LONGEST_DAYS, shipped=True).serial


def _files() -> dict[str, bytes]:
    return {rules.path(f"machines/{one.name}"): one.read_bytes() for one in sorted(settings().machines.glob("*.yaml"))}


def _is_offered(files: Mapping[str, bytes], now: float) -> bool:
    there = next((one for one in rows.listed(now + RENEWED_S) if bundles.manifest_of(one).shipped), None)
    if there is None or bundles.manifest_of(there).files != {path: rules.digest(one) for path, one in files.items()}:
        return False
    opened = rules.opened((rows.body(there.serial) or "").encode())
    return bundles.signature(opened.signed) == opened.signature  # else the key has changed since
