"""Backups: the newest export of everything that is kept of a bot."""

from pillar_service.core.agents import Desired
from pillar_service.core.exports import Kind
from pillar_service.settings import settings
from pillar_service.store import bots, jobs, transfers
from pillar_service.store.bots import Bot
from pillar_service.store.transfers import Transfer


def newest(bot: Bot) -> Transfer | None:
    """The newest tar of everything that a job of this very bot brought or took; who it is of is for its user to check."""
    return next((one for one in transfers.of_bot(bot.id) if _is_whole(one)), None)


def _is_whole(transfer: Transfer) -> bool:
    job = jobs.find(str(transfer.job))
    # What an import took was checked to be whole when it came.
    return job is not None and job.arguments.get("kind", Kind.EVERYTHING) == Kind.EVERYTHING


def is_kept(transfer: Transfer) -> bool:
    """Whether this export stays, however old: it is its bot's newest, the settings say so, and the bot's data is not gone."""
    keeps = settings().keep_exports or settings().backs_up_bots
    job = None if transfer.job is None or not keeps else jobs.find(transfer.job)
    if job is None or job.bot is None or transfer.kind != "export":
        return False
    bot = bots.of_job(job.bot)
    is_there = bot.agent.removed_at is None or bot.purge_at is not None
    last = newest(bot) if is_there and not (bot.desired == Desired.ABSENT and bot.purge) else None
    return last is not None and last.id == transfer.id
