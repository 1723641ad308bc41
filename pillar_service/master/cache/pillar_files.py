"""
Salt's ``localfs`` cache, which also keeps pillars that must not be served again out of Salt's pillar cache.

Salt stores every pillar that it compiles, even one with ``_errors`` (salt.pillar.PillarCache.compile_pillar), and with
localfs it never drops one (no driver is passed ``pillar_cache_ttl``). In the bank ``pillar`` this driver

* refuses a pillar with ``_errors``, a last known good copy (``saltcellar: stale``), and a pillar that says which bots a
  state run is about (Salt stores what a run is given in addition to its pillar along with it),
* refuses an entry for 5 s after it was cleared, as the new one may have been compiled before the change,
* ignores an entry that is older than ``pillar_cache_ttl`` seconds.

Configuration of the master:

.. code-block:: yaml

    pillar_cache: True
    pillar_cache_ttl: 60
    pillar.cache_driver: pillar_files
"""

import time
from typing import Any

from salt.cache import localfs

from pillar_service.core.nodes.pillar import KEY, ONLY

PILLARS = "pillar"
CLEARED = "saltcellar/cleared"
EVERY = "*"
SETTLED_AFTER_S = 5
"""For how long after clearing no pillar is stored, in seconds: longer than a compile takes while the service hangs (2 s)."""

__func_alias__ = {"list_": "list"}


def init_kwargs(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments that every other function gets: the cache's folder."""
    return {"cachedir": kwargs["cachedir"]}


def list_(bank: str, cachedir: str) -> list[str]:
    """The keys of a bank."""
    return localfs.list_(bank, cachedir)


def store(bank: str, key: str, data: Any, cachedir: str) -> None:
    """Stores data, unless it is a pillar that must not be served again."""
    if bank != PILLARS or (_is_right(data) and not _just_cleared(key, cachedir)):
        localfs.store(bank, key, data, cachedir)


def fetch(bank: str, key: str, cachedir: str) -> Any:
    """Fetches data; a pillar only if it is no older than ``pillar_cache_ttl`` seconds."""
    return localfs.fetch(bank, key, cachedir) if contains(bank, key, cachedir) or bank != PILLARS else {}


def updated(bank: str, key: str, cachedir: str) -> int | None:
    """When data was stored (Unix seconds), or None if there is none."""
    return localfs.updated(bank, key, cachedir) if localfs.contains(bank, key, cachedir) else None


def contains(bank: str, key: str | None, cachedir: str) -> bool:
    """Whether there is data; a pillar counts only if it is no older than ``pillar_cache_ttl`` seconds."""
    if bank != PILLARS or key is None:
        return localfs.contains(bank, key, cachedir)
    stored = updated(bank, key, cachedir)
    return stored is not None and time.time() - stored <= __opts__["pillar_cache_ttl"]


def flush(bank: str, key: str | None = None, cachedir: str | None = None) -> bool:
    """Removes data; a cleared pillar is not stored again within ``SETTLED_AFTER_S`` seconds."""
    cachedir = cachedir or __opts__["cachedir"]
    if bank == PILLARS:
        localfs.store(CLEARED, key or EVERY, True, cachedir)
    return localfs.flush(bank, key, cachedir)


def _is_right(pillar: Any) -> bool:
    sections = [pillar, *pillar.values()] if isinstance(pillar, dict) else []  # http_json's namespace nests it once
    stale = any(isinstance(part, dict) and "stale" in (part.get(KEY) or {}) for part in sections)
    return isinstance(pillar, dict) and not pillar.get("_errors") and ONLY not in pillar and not stale


def _just_cleared(key: str, cachedir: str) -> bool:
    node = key.partition(":")[0]  # the key is <minion id> or <minion id>:<pillarenv>
    marks = [updated(CLEARED, mark, cachedir) for mark in (node, key, EVERY)]
    return any(mark is not None and time.time() - mark <= SETTLED_AFTER_S for mark in marks)
