"""Bots' own data in the backups: each that lives is exported now and then. Its newest tar is kept, and goes into snapshots."""

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
"""On so many nodes a bot is exported at a time: each comes over our line, and onto our disk."""

LOOKED_AT = 100


def ask_due(now: float | None = None) -> int:
    """Ask for the exports that are due, one at a time on a node; of how many. A bot stops for as long as its tar is written.

    One that is deleted, moves, or is not heard of is left alone, and one whose export failed, for some hours.
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
        return False  # it was deleted, or moves, since it was looked at
    return True
