"""Kept exports: each bot's newest complete one, from which it can be restored."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from pillar_service.core.bots.exports import Kind
from pillar_service.settings import settings
from pillar_service.store.bots import transfers
from pillar_service.store.bots.bots import Bot
from pillar_service.store.bots.transfers import Standing, Transfer
from pillar_service.store.jobs import jobs


def newest(bot: Bot) -> Transfer | None:
    """The newest complete tar that a job of this bot made or imported; the caller checks whose identity it holds."""
    return next((one for one in transfers.of_bot(bot.id, time.time()) if _is_whole(one)), None)


def _is_whole(transfer: Transfer) -> bool:
    job = jobs.find(str(transfer.job))
    return job is not None and _holds_all(job.arguments)


def _holds_all(arguments: Mapping[str, Any]) -> bool:
    # An import's tar was checked to be complete when it arrived.
    return bool(arguments.get("kind", Kind.EVERYTHING) == Kind.EVERYTHING)


def kept(there: Iterable[Standing]) -> set[str]:
    """The ids of the transfers that stay however old they are, if the settings ask for it.

    They are each bot's newest complete export, as long as the bot's data is not gone. ``there`` lists all transfers,
    newest first. A tar from which a bot was imported, or by which it moved, does not count as an export and is not
    kept.
    """
    if not (settings().keep_exports or settings().backs_up_bots):
        return set()
    last: dict[str, Standing] = {}
    for one in there:
        if one.kind == "export" and one.bot is not None and _holds_all(one.arguments):
            last.setdefault(one.bot, one)
    return {one.id for one in last.values() if one.has_data}
