"""Restoring a bot of a lost node: its newest kept export comes to life elsewhere, under the same identity.

It uses the job of an import, and a move that begins where a bot has left its node (core.bots.moves). So the lost node
finds a tombstone should it come back, and what fails is tried again.
"""

import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots.moves import MoveState
from pillar_service.core.errors import Conflict, NotFound, SaltcellarError
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.nodes import losing as rules
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.nodes.losing import Tar
from pillar_service.core.people.agents import Actual
from pillar_service.store.bots import bots
from pillar_service.store.bots import moves as rows
from pillar_service.store.bots.bots import Bot
from pillar_service.store.bots.transfers import Transfer
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import nodes
from pillar_service.usecases.bots import bots as usecase
from pillar_service.usecases.bots import forgetting, kept_exports, looking_through, moves, placing, refusing
from pillar_service.usecases.bots import transfers as tars
from pillar_service.usecases.jobs import queue
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.service import auditing


def restore(
    actor: str, key: object, node: object = None, typed: object = None, idempotency_key: str | None = None
) -> dict[str, Any]:
    """Bring a bot of a lost node to life on another, from its newest export; returns {"agent", "job"}.

    ``node`` chooses the other node; without it, placement does. ``typed`` is the bot's name, typed again to confirm; it
    is needed if the pub has written more than the export holds. The same ``idempotency_key`` restores once.
    Raises NotFound, ForkHazard, Conflict, Full.
    """
    request = queue.Request(actor, idempotency_key, "restore", key, node, typed)
    before = request.before()
    if before is not None:
        return usecase.shown(before)
    # Outside the transaction, which must not keep others waiting while a large file is read.
    chosen = _whole(usecase.found(key))
    with transaction():
        before = request.before()
        if before is not None:
            return usecase.shown(before)
        bot = usecase.found(key)
        newest = kept_exports.newest(bot)
        if chosen is None or newest is None or newest.id != chosen.id:
            raise Conflict(f"{bot.name} or its exports have just changed: try again.")
        rules.refuse_unread(bot.name, bot.sequence, _tar(chosen), typed if isinstance(typed, str) else None)
        return _restore(request, bot, chosen, node, time.time())


def _whole(bot: Bot) -> Transfer:
    """The newest export of a bot, looked through once more: it holds all that an import needs."""
    newest = kept_exports.newest(bot)
    _check(bot, newest)
    assert newest is not None
    try:
        held = looking_through.check(tars.path(newest.id))
    except FileNotFoundError as error:
        raise NotFound(f"The newest export of {bot.name} is no longer on the service's disk.") from error
    if (held.pub_id, held.sequence) != (newest.pub_id, newest.sequence):
        raise Conflict(f"The newest export of {bot.name} has changed since it was taken: it can't be restored.")
    return newest


def _check(bot: Bot, newest: Transfer | None) -> Tar:
    refusing.if_deleted(bot)
    tar = rules.refuse_restore(bot.name, bot.node, is_lost(bot.node), bot.pub_id, _tar(newest) if newest else None)
    if any(job.state != JobState.QUEUED for job in jobs.open_of(bot.id)):
        raise Conflict(f"{bot.name} is busy with a job: try again once that is over.")
    return tar


def is_lost(id: str) -> bool:
    """Whether a node is declared lost and its key revoked, so that it can't come back as it is."""
    node = nodes.find(id)
    return node is not None and node.lost_at is not None and node.key_state == KeyState.REVOKED


def _tar(transfer: Transfer) -> Tar:
    return Tar(transfer.pub_id, transfer.sequence, transfer.created_at)


def _restore(request: queue.Request, bot: Bot, tar: Transfer, node: object, now: float) -> dict[str, Any]:
    _check(bot, tar)
    usecase.withdraw(bot, "The bot was restored on another node before this was done.", now)
    forgetting.end_move(bot, now)
    placed = placing.place(placing.owners(bot.id), bot.memory_mb, node, besides=moves.left_behind(bot))
    job = queue.ask(request, "bots.import", bot, now, node=placed[0])
    columns = {"source": bot.node, "target": placed[0], "job": job.id, "actor": request.actor}
    rows.add(id=names.new_id(), bot=bot.id, state=str(MoveState.ARRIVING), started_at=now, changed_at=now, **columns)
    lost = rules.unread(bot.sequence, _tar(tar))
    _change(bot, placed, tar, job.id)
    tars.copy(tar, job.id)
    said = f"{bot.name} from {bot.node} to {placed[0]}, job {job.id}, ends at {tar.sequence}, {lost} known ones lost"
    auditing.record(request.actor, "bots.restore", f"agent:{bot.id}", now, said)
    return usecase.shown(job)


def _change(bot: Bot, placed: tuple[str, int], tar: Transfer, job: str) -> None:
    given = {"job": job, "sha256": tar.sha256, "size": tar.size, "pub_id": tar.pub_id}
    unknown = {"report": None, "reported_at": None, "detail": ""}
    # What the bot wrote after the tar is given up: the tar's last message is now its last known one.
    last = {"sequence": tar.sequence, "imported": given, "actual": str(Actual.PROVISIONING)}
    bots.change(bot.id, node=placed[0], port=placing.same_port([bot.port], placed[0]) or placed[1], **last, **unknown)
    for one in {bot.node, placed[0]}:
        pillars.rewrite(one)


def show(key: object) -> dict[str, Any]:
    """What restoring a bot would mean: {"is_lost", "tar": {"at", "sequence", "size"} or None, "unread", "why"}.

    ``unread`` is how many messages it is known to have written after the tar; ``why`` is why it can't be restored now,
    or None.
    """
    bot = usecase.found(key)
    newest, why = kept_exports.newest(bot), None
    try:
        _check(bot, newest)
    except SaltcellarError as error:
        why = error.sentence
    told = None if newest is None else {"at": newest.created_at, "sequence": newest.sequence, "size": newest.size}
    unread = 0 if newest is None else rules.unread(bot.sequence, _tar(newest))
    return {"is_lost": is_lost(bot.node), "tar": told, "unread": unread, "why": why}
