"""What can't be asked of a bot as it stands; each raises Conflict with the reason."""

import time

from pillar_service.core.bots.moves import MoveState, can_not_arrive
from pillar_service.core.errors import Conflict
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.people.agents import Belonging, Desired
from pillar_service.store.bots import bots, moves
from pillar_service.store.bots.bots import Bot
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.people import agents
from pillar_service.usecases.bots import forgetting
from pillar_service.usecases.nodes import pillars


def if_taken(name: str, owner: str | None) -> None:
    """Raise Conflict if a bot has this name, or if a deleted bot of another owner can still be brought back under it."""
    could_come = [bot.id for bot in bots.deleted_as(name, time.time())]
    theirs = {row.target for row in agents.people_of(could_come, Belonging.OWNER) if row.source == owner}
    if bots.with_name(name) or not theirs.issuperset(could_come):
        raise Conflict(f"The name {name} is taken: choose another.")


def if_deleted(bot: Bot) -> None:
    """Raise Conflict for a bot that has a tombstone."""
    if bot.desired == Desired.ABSENT:
        raise Conflict(f"{bot.name} is being deleted: nothing else can be done with it.")


def if_moving(bot: Bot) -> None:
    """Raise Conflict for a bot that is moving to another node: starting it at either end might fork its identity."""
    move = moves.open_of(bot.id)
    if move is None or move.state == MoveState.CLEARING:
        return
    is_moving = f"{bot.name} is moving from {move.source} to {move.target}"
    if can_not_arrive(MoveState(move.state), move.error):
        raise Conflict(
            f"{is_moving}, and could not be brought to life there: {move.error} This is tried again every five minutes. "
            "Until it arrives, an operator can only delete it with its data."
        )
    raise Conflict(f"{is_moving}: wait until it has arrived.")


def if_exporting(bot: Bot) -> None:
    """Raise Conflict for a bot that is moving, or whose data its node is packing or may still be packing."""
    if_moving(bot)
    _if_packed(bot)


def to_delete(bot: Bot) -> None:
    """Raise Conflict as `if_exporting` does, but not for a move that can't go on: its node is lost, or refuses it."""
    if not forgetting.can_not_be_told(bot.node) and not forgetting.is_stuck(bot):
        if_moving(bot)
    _if_packed(bot)


def _if_packed(bot: Bot) -> None:
    if any(job.command == "bots.export" and _may_have_begun(job) for job in jobs.open_of(bot.id)):
        raise Conflict(f"{bot.name} is being exported: wait until that is done, then try again.")


def _may_have_begun(job: Job) -> bool:
    # A job that waits for another try has been published before: the node may be working on it without having said so.
    return job.state != JobState.QUEUED or job.attempts > 0


def if_stopped(bot: Bot) -> None:
    """Raise Conflict for a bot that should not run: a restart would start it, and nothing would stop it again."""
    if pillars.effective(bot) is Desired.STOPPED:
        is_wish = bot.desired == Desired.STOPPED
        raise Conflict(f"{bot.name} is stopped: start it instead." if is_wish else suspended(bot, "restart"))


def suspended(bot: Bot, what: str) -> str:
    """The sentence that tells why a bot can't do ``what`` (a verb): its owners are suspended."""
    return f"{bot.name} can't {what}: every account that owns it is suspended. Resume one first."
