"""Transfers: tars on their way between a person and a node, durable before they are acknowledged."""

import os
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from pillar_service.core import names
from pillar_service.core.bots import exports, identities
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, Forbidden, ForkHazard, NotFound
from pillar_service.core.jobs.jobs import OPEN, JobState
from pillar_service.core.people.agents import Desired
from pillar_service.settings import settings
from pillar_service.store.bots import bots, transfers
from pillar_service.store.bots.transfers import Standing, Transfer
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.bots import kept_exports, looking_through, tars
from pillar_service.usecases.service import auditing

KEPT_S = DAY_S
"""How long, in seconds, an unused upload or an export is kept."""

MOST_EXPORTS = 3
"""How many exports of each kind are kept of a bot: a further one takes the place of the oldest, or one bot could fill the
disk within the day."""


def upload(actor: str, stream: IO[bytes]) -> dict[str, Any]:
    """Take an export to import later; returns {"upload", "pub_id", "sequence", "size", "sha256"}.

    Raises Invalid or ForkHazard for a tar that can't be imported, Full if the disk is full.
    """
    return _receive(actor, "upload", None, stream, exports.Kind.EVERYTHING)


def deliver(node: str, job: object, stream: IO[bytes]) -> dict[str, Any]:
    """Take the tar that an export job made on this node; returns {"size", "sha256"}. If it is sent again, the last counts."""
    asked = _export_of(node, job)
    taken = _receive(f"node:{node}", "export", asked, stream, exported_kind(asked.arguments))
    return {"size": taken["size"], "sha256": taken["sha256"]}


def _export_of(node: str, id: object) -> Job:
    job = jobs.find(id) if isinstance(id, str) else None
    if job is None or job.node != node:
        raise NotFound(f"This node has no job {names.shown(id)}.")
    if job.command != "bots.export" or job.state != "running":
        raise Conflict(f"The job {job.id} takes no tar: it is {job.command}, {job.state}.")
    return job


def exported_kind(arguments: dict[str, Any]) -> exports.Kind:
    """What an export job with these arguments was asked to pack."""
    return exports.kind(arguments.get("kind", exports.Kind.EVERYTHING))


def _receive(actor: str, kind: str, job: Job | None, stream: IO[bytes], holds: exports.Kind) -> dict[str, Any]:
    id = names.new_id()
    part = settings().files / f"{id}.part"
    try:
        size, sha256 = tars.write(part, stream)
        export = looking_through.check(part, holds)
        tars.keep(part, path(id))
        columns = {"pub_id": export.pub_id, "sequence": export.sequence, "size": size, "sha256": sha256}
        _commit(actor, id, kind, job, columns)
    except BaseException:
        for leftover in (part, path(id)):
            leftover.unlink(missing_ok=True)
        raise
    return {"upload": id, **columns}


def _commit(actor: str, id: str, kind: str, job: Job | None, columns: dict[str, Any]) -> None:
    now, replaced = time.time(), None
    with transaction():
        if job is not None:
            _export_of(str(job.node), job.id)  # the job may have ended while the tar came in
            _refuse_another_identity(job, columns["pub_id"])
            replaced = transfers.of_job(job.id)
            if replaced is not None:
                transfers.forget(replaced.id)
        transfers.add(id=id, kind=kind, job=job.id if job else None, created_at=now, **columns)
        auditing.record(
            actor, f"transfers.{kind}", f"transfer:{id}", now, f"{columns['pub_id']}, {columns['size']} bytes"
        )
    if replaced is not None:
        path(replaced.id).unlink(missing_ok=True)


def _refuse_another_identity(job: Job, pub_id: str) -> None:
    bot = bots.of_job(job.bot)
    if bot.pub_id is not None and bot.pub_id != pub_id:
        raise Conflict(f"The tar is of {pub_id}, but {bot.name} is {bot.pub_id}: it was not taken.")


def copy(tar: Transfer, job: str) -> None:
    """Give a copy of an export to the job that imports it, and keep the export, in the caller's transaction."""
    id, now = names.new_id(), time.time()
    os.utime(path(tar.id), (now, now))  # `sweep` deletes an old file that has no row
    tars.link(path(tar.id), path(id))
    told = {name: getattr(tar, name) for name in ("pub_id", "sequence", "size", "sha256", "created_at")}
    transfers.add(id=id, kind="upload", job=job, **told)


def path(id: str) -> Path:
    """Where a transfer's tar is."""
    return settings().files / f"{id}.tar"


def take(upload: object, job: str) -> dict[str, Any]:
    """Give an upload to the job that imports it; returns the columns that make the job's bot the one in the tar.

    Raises NotFound, Conflict (used before), ForkHazard (the identity runs, or has written more than the tar holds).
    """
    found = transfers.find(upload) if isinstance(upload, str) else None
    if found is None or found.kind != "upload":
        raise NotFound(
            f"There is no upload {names.shown(upload)}: uploads are kept for a day. Upload the export again."
        )
    _refuse_fork(found)
    if not transfers.use(found.id, job):
        raise Conflict("That upload was already used: upload the export again.")
    imported = {"job": job, "sha256": found.sha256, "size": found.size, "pub_id": found.pub_id}
    return {"imported": imported, "pub_id": found.pub_id, "sequence": found.sequence}


def _refuse_fork(found: Transfer) -> None:
    for bot in bots.with_pub_id(found.pub_id):
        if bot.agent.removed_at is None:
            raise ForkHazard(
                f"{found.pub_id} is already the bot {bot.name}, and an identity never runs twice: delete that first."
            )
        if (bot.sequence or 0) > found.sequence:
            raise ForkHazard(
                f"The export is older than the pub: it ends at message {found.sequence}, and the pub has written "
                f"{bot.sequence} since. Importing it would fork the identity. Use its newest export; if none "
                "has all of it, bring the bot back and export it again."
            )


def drop(actor: str, id: str) -> None:
    """Drop an upload that came to nothing; one that a job has stays."""
    with transaction():
        is_gone = transfers.forget_unused(id)
        if is_gone:
            auditing.record(actor, "transfers.drop", f"transfer:{id}", time.time(), "nothing was made of it")
    if is_gone:
        path(id).unlink(missing_ok=True)


def for_node(node: str, job: object) -> Transfer:
    """The tar that an import on this node needs; a later job that heals the bot may fetch it too.

    Raises NotFound; Forbidden if no job needs it; ForkHazard if the pub has written more than the tar holds.
    """
    found = jobs.find(job) if isinstance(job, str) else None
    transfer = transfers.of_job(found.id) if found and found.node == node else None
    if found is None or transfer is None or transfer.kind != "upload":
        raise NotFound(f"This node has no tar to import for the job {names.shown(job)}.")
    bot = bots.of_job(found.bot)
    if bot.desired == Desired.ABSENT:
        raise Forbidden("The bot is being deleted: its import is no longer given out.")
    if (bot.sequence or 0) > transfer.sequence:
        raise ForkHazard(
            f"The bot has written {bot.sequence} messages, and its import ends at {transfer.sequence}: that would fork its "
            f"identity. {identities.MEND}"
        )
    if not any(job.state in OPEN for job in jobs.open_of(str(found.bot))):
        raise Forbidden("No job of this bot is running: its import is not given out.")
    return transfer


def exported(job: object) -> Transfer:
    """The tar that an export job made, whoever asked for it; raises NotFound."""
    found = transfers.of_job(job) if isinstance(job, str) else None
    if found is None or found.kind != "export":
        raise NotFound(f"There is no exported tar for the job {names.shown(job)}: the newest are kept, for a day.")
    return found


def export_of(bot: str, job: object) -> Transfer:
    """The tar that an export job made of this bot (its id), for a person; raises NotFound."""
    made = exported(job)
    found = jobs.find(str(made.job))
    if found is None or found.bot != bot or found.state != JobState.SUCCEEDED or not exports.is_handed_out(found.actor):
        raise NotFound(f"There is no exported tar for the job {names.shown(job)}: the newest are kept, for a day.")
    return made


def sweep() -> None:
    """Delete tars that are neither kept nor in use, if they are older than a day or a bot has too many newer ones, and files
    without a transfer.

    A process that was killed may have left such files.
    """
    now = time.time()
    with transaction():
        there = transfers.standing(now)
        kept = kept_exports.kept(there)
        over = _surplus(there) | {one.id for one in there if abs(now - one.created_at) > KEPT_S}
        old = {one.id for one in there if one.id in over - kept and not _is_used(one)}
        transfers.forget(*old)
    known = {one.id for one in there} - old
    for file in settings().files.iterdir():
        with suppress(FileNotFoundError):
            if file.stem not in known and (file.stem in old or now - file.stat().st_mtime > KEPT_S):
                file.unlink()


def _surplus(there: Iterable[Standing]) -> set[str]:
    """The ids of the exports of which a bot has too many newer ones. ``there`` lists all transfers, newest first."""
    newer, surplus = Counter[tuple[str, exports.Kind]](), set()
    for one in there:
        if one.kind == "export" and one.bot is not None:
            which = (one.bot, exported_kind(one.arguments))
            if newer[which] >= MOST_EXPORTS:
                surplus.add(one.id)
            newer[which] += 1
    return surplus


def _is_used(one: Standing) -> bool:
    return one.state in OPEN or one.moves
