"""Bots' data in backups: each live bot is exported regularly, and its newest tar is kept and included in snapshots."""

import time

from pillar_service.core.bots import health
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import SaltcellarError
from pillar_service.core.service import backups as rules
from pillar_service.settings import settings
from pillar_service.store.bots import backup_exports as rows
from pillar_service.usecases.jobs import jobs

ACTOR = "backups"
AT_ONCE = 4
"""How many nodes export a bot at the same time: every tar crosses the service's line and lands on its disk."""

LOOKED_AT = 100


def ask_due(now: float | None = None) -> int:
    """Ask for the exports that are due, at most one at a time on each node; returns how many were asked for.

    A bot stops while its tar is written. Bots that are deleted, moving or silent are left alone; one whose export
    failed is left alone for some hours.
    """
    then = time.time() if now is None else now
    if not settings().backs_up_bots:
        return 0
    busy, asked = rows.busy(ACTOR), 0
    exported_before = then - settings().backup_bots_days * DAY_S
    for bot, node in rows.due(
        ACTOR, then, then - health.LOST_AFTER_S, then - rules.EXPORT_RETRY_S, exported_before, LOOKED_AT
    ):
        if len(busy) >= AT_ONCE:
            break
        if node not in busy and _ask(bot):
            busy.add(node)
            asked += 1
    return asked


def _ask(bot: str) -> bool:
    try:
        jobs.submit(ACTOR, "bots.export", bot)
    except SaltcellarError:
        return False  # the bot has been deleted or has started to move since it was read
    return True
