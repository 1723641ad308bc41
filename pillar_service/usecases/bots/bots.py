"""Bots: creating and importing them, changing what they should be, deleting them."""

import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots import health
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, Invalid, NotFound
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.people.agents import AccountState, Actual, AgentType, Belonging, Desired, Service
from pillar_service.settings import settings
from pillar_service.store.bots import bots
from pillar_service.store.bots.bots import Bot
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.people import accounts as account_rows
from pillar_service.store.people import agents
from pillar_service.usecases.bots import forgetting, placing, refusing, transfers
from pillar_service.usecases.jobs import closing, queue
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.payments import subscriptions
from pillar_service.usecases.people import accounts
from pillar_service.usecases.service import auditing

MEMORY_MB = (64, 1_048_576)


def create(
    actor: str,
    name: object,
    account: object,
    description: object = "",
    node: object = None,
    memory_mb: object = None,
    upload: object = None,
    key: str | None = None,
    selector: object = None,
) -> dict[str, Any]:
    """Add a bot for an account (id or address) and pour it; returns {"agent", "job"}.

    The same ``key`` twice creates one bot. ``node`` chooses the node; ``selector`` restricts placement to nodes with
    matching labels. ``memory_mb`` is the bot's memory limit in MiB; ``upload`` is an export to bring to life.
    Raises Invalid, NotFound (account, node, upload), Conflict (name taken), ForkHazard (import), Full (no room).
    """
    label, told = names.bot_name(name), names.text(description, "description")
    limit = names.whole_number(settings().memory_mb if memory_mb is None else memory_mb, "memory in MiB", *MEMORY_MB)
    request = queue.Request(actor, key, "create", label, account, told, node, limit, upload, selector)
    with transaction():
        before = request.before()
        if before is not None:
            return shown(before)
        owner = _active_owner(account)
        placed = placing.place([owner], limit, node, selector)
        return _create(request, label, told, owner, placed, limit, upload)


def refuse_if_no_room(account: object, node: object, selector: object) -> None:
    """Raise what `create` would raise because of the account, or because of where the bot would go."""
    with transaction():
        placing.place([_active_owner(account)], settings().memory_mb, node, selector)


def _active_owner(account: object) -> str:
    if account is None:
        raise Invalid("Say whose bot it is: an account's id or e-mail address ('account').")
    owner = accounts.found(account)
    if owner.agent.removed_at is not None:  # perhaps while the bot's tar came in
        raise NotFound("That account was deleted.")
    if owner.state != AccountState.ACTIVE:
        raise Conflict(f"The account {owner.email} is suspended: resume it first.")
    if not subscriptions.may_pour(owner.id, time.time()):
        raise Conflict(f"The account {owner.email} has not paid: pay first, then ask for the bot again.")
    return str(owner.id)


def _create(
    request: queue.Request, name: str, told: str, owner: str, placed: tuple[str, int], limit: int, upload: object
) -> dict[str, Any]:
    refusing.if_taken(name, owner)
    now, id, image = time.time(), names.new_id(), settings().pub_image
    agents.add(id, AgentType.BOT, name, told, now)
    columns = {"service": str(Service.PUB), "node": placed[0], "port": placed[1], "image": image}
    bots.add(id, memory_mb=limit, desired=str(Desired.RUNNING), **columns)
    agents.join(owner, id, Belonging.OWNER)
    command = "bots.create" if upload is None else "bots.import"
    job = queue.ask(request, command, found(id), now)
    if upload is not None:
        taken = transfers.take(upload, job.id)
        bots.change(id, port=placing.port_again(taken["pub_id"], placed[0]) or placed[1], **taken)
    pillars.rewrite(placed[0])
    auditing.record(request.actor, command, f"agent:{id}", now, f"{name} on {placed[0]}, job {job.id}")
    return shown(job)


def desire(actor: str, key: object, desired: Desired, idempotency_key: str | None = None) -> dict[str, Any]:
    """Say that a bot should run or be stopped; returns {"agent", "job"}. Asking again makes its node converge again."""
    request = queue.Request(actor, idempotency_key, "desire", key, desired)
    command = "bots.start" if desired is Desired.RUNNING else "bots.stop"
    with transaction():
        bot, before = found(key), request.before()
        if before is not None:
            return shown(before)
        refusing.if_deleted(bot)
        refusing.if_moving(bot)
        if desired is Desired.RUNNING and Desired.STOPPED is _with_desired(bot, desired):
            raise Conflict(refusing.suspended(bot, "start"))
        return _change(request, command, bot, {"desired": str(desired)})


def _with_desired(bot: Bot, desired: Desired) -> Desired:
    bot.desired = str(desired)
    return pillars.effective(bot)


def upgrade(actor: str, key: object, idempotency_key: str | None = None) -> dict[str, Any]:
    """Give a bot the newest image; returns {"agent", "job"}."""
    request = queue.Request(actor, idempotency_key, "upgrade", key)
    with transaction():
        bot, before = found(key), request.before()
        if before is not None:
            return shown(before)
        refusing.if_deleted(bot)
        return _change(request, "bots.upgrade", bot, {"image": settings().pub_image})


def describe(actor: str, key: object, description: object) -> dict[str, Any]:
    """Change a bot's description; returns {"agent"}."""
    told, now = names.text(description, "description"), time.time()
    with transaction():
        bot = found(key)
        agents.change(bot.id, description=told)
        auditing.record(actor, "bots.describe", f"agent:{bot.id}", now)
        return {"agent": described([found(bot.id)])[0]}


def delete(actor: str, key: object, purge: bool, idempotency_key: str | None = None) -> dict[str, Any]:
    """Delete a bot: a tombstone tells its node to remove it, and its data too if ``purge``; returns {"agent", "job"}.

    Jobs still queued for the bot are cancelled. Once the node has removed the bot, its port is free and its owner may
    use the name again; others may use the name once the data is gone.
    Without ``purge`` the data is kept for DELETED_DAYS (see bringing_back). With ``purge``, a bot that is deleted
    already (given by its id) loses its data now. A bot on a lost node is gone for good at once. One that can't arrive
    where it is moving to can be deleted only with ``purge``: its data is in two places, and whole in neither.
    """
    request = queue.Request(actor, idempotency_key, "delete", key, purge)
    with transaction():
        before = request.before()
        if before is not None:
            return shown(before)
        bot, now = found(key, deleted=purge), time.time()
        withdraw(bot, "The bot was deleted before this was done.", now)
        if forgetting.can_not_be_told(bot.node):
            return _gone_with_its_node(request, bot, now)
        if purge and forgetting.is_stuck(bot):
            forgetting.end_move(bot, now, "It was deleted before it arrived.")
        going = purge or bot.purge
        purge_at = now if going else now + settings().deleted_days * DAY_S
        columns = {"desired": str(Desired.ABSENT), "purge": going, "purge_at": purge_at}
        return _change(request, "bots.delete", bot, columns)


def _gone_with_its_node(request: queue.Request, bot: Bot, now: float) -> dict[str, Any]:
    refusing.to_delete(bot)
    forgetting.end_move(bot, now)
    job = queue.ask(request, "bots.delete", bot, now)
    result = {"pub_id": bot.pub_id, "data": f"on {bot.node}, which is lost"}
    jobs.move(job.id, job.state, JobState.SUCCEEDED, started_at=now, ended_at=now, result=result)
    auditing.record(request.actor, "bots.delete", f"agent:{bot.id}", now, f"job {job.id}, {bot.node} is lost")
    forgetting.with_its_node(bot, request.actor, now)
    done = jobs.find(job.id)
    assert done is not None
    return shown(done)


def withdraw(bot: Bot, why: str, now: float) -> None:
    """Cancel the jobs queued for a bot, with ``why`` as their error, in the caller's transaction."""
    for job in jobs.open_of(bot.id):
        if job.state == JobState.QUEUED:
            closing.close(job, JobState.CANCELLED, now, error=why)


def _change(request: queue.Request, command: str, bot: Bot, columns: dict[str, Any]) -> dict[str, Any]:
    refusing.if_exporting(bot)
    now = time.time()
    bots.change(bot.id, **columns)
    pillars.rewrite(bot.node)
    job = queue.ask(request, command, bot, now)
    auditing.record(request.actor, command, f"agent:{bot.id}", now, f"job {job.id}, {columns}")
    return shown(job)


def found(key: object, deleted: bool = False) -> Bot:
    """The existing bot with that id or name; if ``deleted``, also a removed one, by its id only. Raises NotFound."""
    bot = bots.find(key) if isinstance(key, str) and names.BOT_NAME.fullmatch(key) else None
    if bot is None or (bot.agent.removed_at is not None and not deleted):
        raise NotFound(f"There is no bot {names.shown(key)}.")
    return bot


def listed(name: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
    """The existing bots: all of them, the one with that name, or those of that account (id or address)."""
    return described(bots.listed(name, None if account is None else accounts.found(account).id))


def show(key: object) -> dict[str, Any]:
    """One bot, by id or name; raises NotFound."""
    return described([found(key)])[0]


def shown(job: Job) -> dict[str, Any]:
    """A job and its bot, as returned to whoever asked for it."""
    bot = bots.of_job(job.bot)
    return {"agent": described([bot])[0], "job": queue.described(job, bot.name)}


def described(found_bots: list[Bot]) -> list[dict[str, Any]]:
    """Bots as the API shows them."""
    if not found_bots:
        return []
    who: dict[str, list[dict[str, str]]] = {}
    for target, email, role in account_rows.belonging([bot.id for bot in found_bots]):
        who.setdefault(target, []).append({"email": email, "role": role})
    effective, now = pillars.all_effective(found_bots), time.time()
    return [_described(bot, who.get(bot.id, []), effective[bot.id], now) for bot in found_bots]


def _described(bot: Bot, account: list[dict[str, str]], effective: Desired, now: float) -> dict[str, Any]:
    return {
        "id": bot.id,
        "type": str(AgentType.BOT),
        "name": bot.name,
        "host": f"{bot.name}.{settings().domain}",
        "description": bot.agent.description,
        "service": bot.service,
        "node": bot.node,
        "port": bot.port,
        "desired": bot.desired,
        "effective": str(effective),
        "actual": str(health.seen(Actual(bot.actual), bot.reported_at, now)),
        "detail": bot.detail,
        "pub_id": bot.pub_id,
        "version": bot.version,
        "image": bot.image,
        "memory_mb": bot.memory_mb,
        "deleted_at": bot.agent.removed_at,
        "purge_at": bot.purge_at,
        "account": account,
        "created_at": bot.agent.created_at,
        "reported_at": bot.reported_at,
        "health": bot.report,
    }
