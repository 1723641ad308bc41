"""Bringing deleted bots back while their data exists, and purging the data when its time has come."""

import time
from typing import Any

from pillar_service.core.errors import Conflict, ForkHazard, Full
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.nodes.rooms import Room
from pillar_service.core.people.agents import Actual, Desired
from pillar_service.settings import settings
from pillar_service.store.bots import bots
from pillar_service.store.bots.bots import Bot
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.people import agents
from pillar_service.usecases.bots import bots as usecase
from pillar_service.usecases.bots import forgetting, placing
from pillar_service.usecases.jobs import queue
from pillar_service.usecases.nodes import pillars, presence
from pillar_service.usecases.service import auditing


def deleted(person: str) -> list[dict[str, Any]]:
    """The deleted bots that this person owned and can bring back, most recently deleted first."""
    now = time.time()
    theirs = [bot for bot in bots.deleted(person) if _may_come(bot, now)]
    return usecase.described(theirs)


def _may_come(bot: Bot, now: float) -> bool:
    return bot.purge_at is not None and bot.purge_at > now and not bot.purge


def bring_back(actor: str, key: object, idempotency_key: str | None = None) -> dict[str, Any]:
    """Let a deleted bot (by its id) run again, with its data, on the node that has it; returns {"agent", "job"}.

    It keeps its name, and its port unless that is taken.
    Raises NotFound, ForkHazard (its identity has come to life elsewhere), Conflict (not deleted, too late, name taken,
    its node does not take it, its owner has as many bots as allowed), Full (no port).
    """
    request = queue.Request(actor, idempotency_key, "bring_back", key)
    with transaction():
        before = request.before()
        if before is not None:
            return usecase.shown(before)
        bot, now = usecase.found(key, deleted=True), time.time()
        _refuse(bot, now)
        room = placing.room_of(bot)
        usecase.withdraw(bot, "The bot was brought back before it was removed.", now)
        agents.change(bot.id, removed_at=None)
        changed = {"desired": str(Desired.RUNNING), "purge_at": None, "port_before": None, "detail": ""}
        bots.change(bot.id, port=bot.port or _port(bot, room), actual=str(Actual.PROVISIONING), **changed)
        pillars.rewrite(bot.node)
        job = queue.ask(request, "bots.bring_back", bot, now)
        auditing.record(actor, "bots.bring_back", f"agent:{bot.id}", now, f"{bot.name}, job {job.id}")
        return usecase.shown(job)


def _refuse(bot: Bot, now: float) -> None:
    if bot.desired != Desired.ABSENT:
        raise Conflict(f"{bot.name} is not deleted: there is nothing to bring back.")
    if not _may_come(bot, now):
        raise Conflict(
            f"{bot.name} can't be brought back any more: its time is over, and its data is gone or being deleted."
        )
    if any(job.state != JobState.QUEUED for job in jobs.open_of(bot.id)):
        raise Conflict(f"{bot.name} is being removed: try again once that is done.")
    if bot.agent.removed_at is None:
        return
    _refuse_too_many(bot)
    if bots.with_name(bot.name):
        raise Conflict(f"The name {bot.name} now belongs to another bot: delete that one first.")
    for other in bots.with_pub_id(bot.pub_id) if bot.pub_id else []:
        # Even one that has been removed since may have written more than was ever reported.
        if other.id != bot.id and other.agent.created_at > bot.agent.removed_at:
            raise ForkHazard(
                f"Its identity {bot.pub_id} has since come to life as the bot {other.name}, and never runs twice: "
                "use that one."
            )


def _refuse_too_many(bot: Bot) -> None:
    most = settings().bots_most
    if any(bots.owned(owner) >= most for owner in placing.owners(bot.id)):
        raise Conflict(f"Its owner has {most} bots, as many as an account may own: delete one first.")


def _port(bot: Bot, room: Room) -> int:
    port = room.again([bot.port_before]) or room.port()
    if port is None:
        raise Full(f"The node {bot.node}, which has the data of {bot.name}, has no port left: delete a bot there.")
    return port


def purge_due(actor: str, now: float | None = None) -> list[dict[str, Any]]:
    """Ask for the removal of all data whose time has come by ``now`` (Unix seconds); returns the jobs.

    Safe to call twice: each bot has one open job, and one that failed is asked for again.
    """
    then = time.time() if now is None else now
    presence.listening(then)  # notices a clock that has jumped before anything relies on it
    with transaction():
        untold = [bot for bot in bots.going(then) if forgetting.can_not_be_told(bot.node)]  # so never removed
        due = [bot for bot in bots.purgeable(then) + untold if not jobs.open_of(bot.id)]
        asked = [job for bot in due if (job := _purge(actor, bot, time.time()))]
        for node in {bot.node for bot in due}:
            pillars.rewrite(node)
    return asked


def _purge(actor: str, bot: Bot, now: float) -> dict[str, Any] | None:
    if forgetting.can_not_be_told(bot.node):
        forgetting.with_its_node(bot, actor, now)
        return None
    bots.change(bot.id, purge=True)
    job = queue.ask(queue.Request(actor, None, "purge", bot.id), "bots.purge", bot, now)
    auditing.record(actor, "bots.purge", f"agent:{bot.id}", now, f"{bot.name}, job {job.id}")
    return queue.described(job, bot.name)
