"""How a job ends, and what that means for its bot. What is common to all endings is in closing.py."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots import health, identities
from pillar_service.core.bots.moves import VACATE, MoveState
from pillar_service.core.jobs import outcomes
from pillar_service.core.jobs.commands import COMMANDS
from pillar_service.core.jobs.jobs import JobState, Reason, step
from pillar_service.core.jobs.outcomes import Outcome
from pillar_service.core.people.agents import Actual, Desired
from pillar_service.store.bots import bots, moves, transfers
from pillar_service.store.bots.bots import Bot, Placed
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import End, Job
from pillar_service.usecases.bots import forgetting, invites
from pillar_service.usecases.jobs import closing, executing, plans, redacting
from pillar_service.usecases.nodes import pillars

NOT_REMOVED = "The node applied an older pillar, in which the bot was not deleted yet: delete it again."
NOT_BACK = "The node applied an older pillar, in which the bot was still deleted: start it."
REMOVING = ("bots.delete", "bots.purge")
NOT_STOPPED = "The node applied an older pillar and did not say that it stopped the bot: it is tried again."
NO_TAR = "The node says that it exported the bot, but its tar never arrived: export it again."
UNSAID = "It failed, and the node did not say why."


def outcome(job: Job, returned: object, success: bool, retcode: int) -> Outcome:
    """What the node's return means for this job."""
    found = _outcome(job, returned, success, retcode)
    # The identity of a bot that is going does not matter: whatever is wrong with it goes away, too.
    is_to_be = found.succeeded and job.command not in (*REMOVING, VACATE)
    said = found.result.get("pub_id") if is_to_be and isinstance(found.result, dict) else None
    wrong = identities.another(bots.of_job(job.bot).pub_id, said) if job.bot and isinstance(said, str) else None
    if wrong:
        return Outcome(False, error=wrong)
    return replace(found, error=redacting.text(job, found.error)) if found.error else found


def _outcome(job: Job, returned: object, success: bool, retcode: int) -> Outcome:
    if job.plan is not None:
        of = outcomes.of_command if job.plan["is_guarded"] else outcomes.of_call
        return of(returned, success, retcode)
    if not COMMANDS[job.command].converges:
        called = outcomes.of_call(returned, success, retcode)
        missing = called.succeeded and job.command == "bots.export" and transfers.of_job(job.id) is None
        return Outcome(False, error=NO_TAR) if missing else called
    bot = str(job.bot)
    applied = outcomes.of_bot(returned, bot)
    if applied.succeeded and job.command in (*REMOVING, VACATE) and not _removed(returned, bot):
        return Outcome(False, error=NOT_REMOVED, again=Reason.OLD_PILLAR)
    if applied.succeeded and job.command == "bots.stop" and _moves(bot) and not _stopped(returned, bot):
        return Outcome(False, error=NOT_STOPPED, again=Reason.OLD_PILLAR)
    if applied.succeeded and job.command == "bots.bring_back" and _removed(returned, bot):
        return Outcome(False, error=NOT_BACK, again=Reason.OLD_PILLAR)
    return applied


def _removed(returned: Any, bot: str) -> bool:
    # A pillar from before the deletion (a cache, a last known good copy) applies cleanly too, while the bot keeps running:
    # only the tombstone's own state proves that it is gone. Without it, its name and identity would be freed while it runs.
    return any(
        key.startswith("pub_|-") and key.endswith("_|-gone") and outcomes.owner(str(state.get("__id__"))) == bot
        for key, state in returned.items()
    )


def _moves(bot: str) -> bool:
    move = moves.open_of(bot)
    return move is not None and move.state == MoveState.STOPPING


def _stopped(returned: Any, bot: str) -> bool:
    return any(state.get("__id__") == f"{bot} stopped" for state in returned.values())


def settle_all(ended: Sequence[tuple[Job, Outcome]], now: float) -> None:
    """Settle running jobs with these outcomes; those that affect nothing but themselves are written together."""
    alone = [(job, _end(job, its, now)) for job, its in ended if _is_alone(job)]
    jobs.end([one for _, one in alone])
    closing.closed([(job, JobState(one.state)) for job, one in alone], now)
    for job, its in ended:
        if not _is_alone(job):
            settle(job, its, now)


def _is_alone(job: Job) -> bool:
    return job.bot is None and job.state == JobState.RUNNING and not executing.without_secrets(job)


def _end(job: Job, ended: Outcome, now: float) -> End:
    result = redacting.value(job, ended.result)
    if ended.succeeded:
        return End(job.id, str(step(JobState(job.state), JobState.SUCCEEDED)), now, result, None)
    to = step(JobState(job.state), JobState.FAILED)
    return End(job.id, str(to), now, result or job.result, ended.error or UNSAID)


def settle(job: Job, ended: Outcome, now: float) -> None:
    """Settle a running job. The stored result is redacted; what the bot is now, is read from the unredacted one."""
    result = redacting.value(job, ended.result)
    if not ended.succeeded:
        end(job, JobState.FAILED, ended.error or UNSAID, now, result)
        return
    closing.close(job, JobState.SUCCEEDED, now, result=result, error=None)
    if job.bot is None:
        return
    invites.heard(job, ended.result, now)
    bot = bots.of_job(job.bot)
    if job.command in REMOVING:
        _gone(bot, ended.result if isinstance(ended.result, dict) else {}, now)
    elif job.command != VACATE and (COMMANDS[job.command].converges or job.command == "bots.restart"):
        _converged(bot, ended.result, job.started_at or now, now)
    elif job.command == "bots.export":
        _change(bot, ended.result)


def end(job: Job, state: JobState, said: str, now: float, came_back: Any = None) -> None:
    """End a job that did not work.

    ``said`` is a sentence that says why; the bot shows it too if the job applied states to it.
    """
    closing.close(job, state, now, error=said, **({"result": came_back} if came_back else {}))
    if job.bot is not None and job.command != VACATE and plans.converges(job):
        bot = bots.of_job(job.bot)
        worse = {"actual": str(Actual.SICK)} if bot.actual == Actual.PROVISIONING else {}
        bots.change(bot.id, detail=said, **worse)


def _converged(bot: Bot, said: object, began_at: float, now: float) -> None:
    now_is = {Desired.RUNNING: Actual.ALIVE, Desired.STOPPED: Actual.STOPPED}.get(pillars.effective(bot))
    heard_at = health.vouched_at(bot.reported_at, began_at, now)
    changed = {"actual": str(now_is), "reported_at": heard_at} if now_is else {}
    _change(bot, said, detail="", **changed)


def _change(bot: Bot, said: object, **changed: object) -> None:
    columns = told(bot, said if isinstance(said, dict) else {})
    bots.change(bot.id, **changed, **columns)
    if "pub_id" in columns:  # its node must learn its identity, too
        pillars.rewrite(bot.node)


def told(bot: Bot | Placed, said: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that change by what a pub said about itself; once known, its identity stays."""
    pub_id, sequence, version = said.get("pub_id"), said.get("sequence"), said.get("version")
    columns: dict[str, Any] = {}
    if bot.pub_id is None and names.is_pub_id(pub_id):
        columns["pub_id"] = pub_id
    if isinstance(sequence, int) and (bot.sequence or 0) < sequence < 2**53:
        columns["sequence"] = sequence
    if isinstance(version, str) and version.isprintable():
        columns["version"] = version[:100]
    return columns


def _gone(bot: Bot, said: dict[str, Any], now: float) -> None:
    """Note that a bot was removed: its name and port are free. It can be brought back until its data is gone, too."""
    if bot.pub_id in (None, said.get("pub_id")):  # an older node tells neither the identity nor how far its log went
        bots.change(bot.id, **told(bot, said))
    forgetting.removed(bot, f"node:{bot.node}", bot.name, now)
    # The purge may have been requested after the node read its pillar, so what the node says counts.
    if bot.purge and said.get("data") == "gone":
        forgetting.purged(bot, f"node:{bot.node}", now)
    pillars.rewrite(bot.node)
