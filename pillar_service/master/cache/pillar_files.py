"""
Salt's ``localfs`` cache, which also keeps a wrong pillar out of Salt's pillar cache.

Salt stores every pillar that it compiles, one with ``_errors`` too (salt.pillar.PillarCache.compile_pillar), and on
localfs it never drops one (``pillar_cache_ttl`` reaches no driver). In the bank ``pillar`` this driver

* refuses a pillar with ``_errors``, one that is a last known good copy (``saltcellar: stale``), and one that says which
  bots a state run is about: Salt stores what a run is told beside its pillar along with that,
* refuses for 5 s what comes after an entry was cleared, since it may have been compiled before the change,
* drops an entry that is older than ``pillar_cache_ttl`` seconds.

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
"""Longer than a compile takes with the service hanging (2 s)."""

__func_alias__ = {"list_": "list"}


def init_kwargs(kwargs: dict[str, Any]) -> dict[str, Any]:
    """What every other function is given: the folder of the cache."""
    return {"cachedir": kwargs["cachedir"]}


def list_(bank: str, cachedir: str) -> list[str]:
    """The keys of a bank."""
    return localfs.list_(bank, cachedir)


def store(bank: str, key: str, data: Any, cachedir: str) -> None:
    """Stores data, unless it is a pillar that must not be served again."""
    if bank != PILLARS or (_is_right(data) and not _just_cleared(key, cachedir)):
        localfs.store(bank, key, data, cachedir)


def fetch(bank: str, key: str, cachedir: str) -> Any:
    """Fetches data; a pillar only while it is fresh."""
    return localfs.fetch(bank, key, cachedir) if contains(bank, key, cachedir) or bank != PILLARS else {}


def updated(bank: str, key: str, cachedir: str) -> int | None:
    """When data was stored (Unix seconds), or None."""
    return localfs.updated(bank, key, cachedir) if localfs.contains(bank, key, cachedir) else None


def contains(bank: str, key: str | None, cachedir: str) -> bool:
    """Whether there is data (a pillar: that is fresh)."""
    if bank != PILLARS or key is None:
        return localfs.contains(bank, key, cachedir)
    stored = updated(bank, key, cachedir)
    return stored is not None and time.time() - stored <= __opts__["pillar_cache_ttl"]


def flush(bank: str, key: str | None = None, cachedir: str | None = None) -> bool:
    """Removes data; what is compiled of a cleared pillar within the next seconds is not stored."""
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
