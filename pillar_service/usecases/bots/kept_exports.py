"""Exports that are kept: of each bot the newest of everything, by which it can be restored."""

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
    """The newest tar of everything that a job of this very bot brought or took; who it is of is for its user to check."""
    return next((one for one in transfers.of_bot(bot.id, time.time()) if _is_whole(one)), None)


def _is_whole(transfer: Transfer) -> bool:
    job = jobs.find(str(transfer.job))
    return job is not None and _holds_all(job.arguments)


def _holds_all(arguments: Mapping[str, Any]) -> bool:
    # What an import took was checked to be whole when it came.
    return bool(arguments.get("kind", Kind.EVERYTHING) == Kind.EVERYTHING)


def kept(there: Iterable[Standing]) -> set[str]:
    """Those (by id) of all transfers, the newest first, that stay however old, if the settings say so: each bot's newest
    export, where the bot's data is not gone. What it was imported from, or moved by, takes no export's place: that goes."""
    if not (settings().keep_exports or settings().backs_up_bots):
        return set()
    last: dict[str, Standing] = {}
    for one in there:
        if one.kind == "export" and one.bot is not None and _holds_all(one.arguments):
            last.setdefault(one.bot, one)
    return {one.id for one in last.values() if one.has_data}
