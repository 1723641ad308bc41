"""Moves: a bot goes from one node to another in steps, each of them a job.

A move's progress is written down, so that whoever looks next goes on from there; core.bots.moves says which step comes
when.
"""

import time

from pillar_service.core import names
from pillar_service.core.bots.moves import AGAIN_AFTER_S, AT_HOME, COMMAND, MoveState
from pillar_service.core.errors import Conflict, ForkHazard, NotFound, SaltcellarError
from pillar_service.core.jobs.jobs import OPEN, JobState
from pillar_service.core.people.agents import Actual, Desired
from pillar_service.store.bots import bots, transfers
from pillar_service.store.bots import moves as rows
from pillar_service.store.bots.bots import Bot
from pillar_service.store.bots.moves import Move
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.bots import forgetting, placing, refusing
from pillar_service.usecases.jobs import queue
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.service import auditing

NO_JOB = "Its job is no longer known."
UNPROVEN = "The node says that it is done, but not that {0}: it is asked again."


def begin(actor: str, bot: Bot, now: float) -> None:
    """Start moving a bot to another node, in the caller's transaction; raises Full, Conflict."""
    target, id = check(bot), names.new_id()
    columns = {"bot": bot.id, "source": bot.node, "target": target, "actor": actor, "started_at": now}
    rows.add(id=id, state=str(MoveState.STOPPING), job="", changed_at=now, **columns)
    pillars.rewrite(bot.node)
    rows.change(id, job=_ask(id, MoveState.STOPPING, bot, bot.node, now).id)
    auditing.record(actor, "bots.move", f"agent:{bot.id}", now, f"{bot.name} from {bot.node} to {target}")


def check(bot: Bot) -> str:
    """The node to which a bot could move now; raises Full or Conflict with the reason if it can't."""
    refusing.if_deleted(bot)
    refusing.if_exporting(bot)
    if rows.open_of(bot.id):
        raise Conflict(
            f"{bot.name} has just moved, and the node that it left has not cleared up yet: wait until it has."
        )
    if bot.pub_id is None:
        raise Conflict(f"{bot.name} has no identity yet: it can move once it has been alive.")
    if forgetting.can_not_be_told(bot.node):
        raise Conflict(f"{bot.node}, which has {bot.name}, was declared lost: restore the bot instead.")
    return elsewhere(bot)[0]


def elsewhere(bot: Bot) -> tuple[str, int]:
    """Another node for a bot, and its port there; raises Full."""
    return placing.place(placing.owners(bot.id), bot.memory_mb, besides=left_behind(bot))


def left_behind(bot: Bot) -> set[str]:
    """The bot's node and those that still have something of it: it can't come to life on any of them."""
    return {bot.node, *rows.left_by(bot.id)}


def _ask(move: str, state: MoveState, bot: Bot, node: str, now: float) -> Job:
    return queue.ask(queue.Request(f"move:{move}", None, move, state), COMMAND[state], bot, now, node=node)


def go_on(now: float | None = None) -> int:
    """Take the next step of each move whose job is over; returns how many moves changed. Safe to call at any time."""
    then = time.time() if now is None else now
    going = sum(_step(move.id, then) for move in rows.open_everywhere() if _is_due(move, jobs.find(move.job), then))
    return going + sum(_clear_up(move.id, then) for move in rows.to_clear())


def _clear_up(id: str, now: float) -> bool:
    """Have a lost node that is back clear up what is left there of a bot that lives elsewhere."""
    with transaction():
        move = next((one for one in rows.to_clear() if one.id == id), None)
        if move is None:
            return False
        _clear(move, bots.with_ids([move.bot])[move.bot], now)
        return True


def _is_due(move: Move, job: Job | None, now: float) -> bool:
    if job is not None and job.state in OPEN:
        return False
    # A failure that lies in the future dates from when the clock was ahead: it is tried again at once.
    return not move.error or not 0 <= now - move.changed_at < AGAIN_AFTER_S[MoveState(move.state)]


def _step(id: str, now: float) -> bool:
    with transaction():
        move = next((one for one in rows.open_everywhere() if one.id == id), None)
        if move is None or not _is_due(move, job := jobs.find(move.job), now):
            return False
        bot, state = bots.with_ids([move.bot])[move.bot], MoveState(move.state)
        wrong = _wrong(move, job)
        if wrong is None:
            _after(move, state, bot, now)
        elif state in AT_HOME:
            _home(move, bot, wrong, now)
        elif move.error:
            _again(move, state, bot, now)
        else:
            rows.change(move.id, error=wrong, changed_at=now)
            auditing.record(f"move:{move.id}", "bots.move_waits", f"agent:{bot.id}", now, wrong)
        return True


def _wrong(move: Move, job: Job | None) -> str | None:
    """Why the step was not done, or None. The job's success is not enough: the node must have said what the step is about."""
    if job is None:
        return NO_JOB
    if job.state != JobState.SUCCEEDED:
        return job.error or f"Its job {job.id} is {job.state}."
    said = job.result if isinstance(job.result, dict) else {}
    if move.state == MoveState.ARRIVING and said.get("pub_id") != bots.of_job(job.bot).pub_id:
        return UNPROVEN.format("the bot lives there")
    if move.state == MoveState.CLEARING and said.get("data") != "gone":
        return UNPROVEN.format("the bot's data is gone")
    return None


def _after(move: Move, state: MoveState, bot: Bot, now: float) -> None:
    if state is MoveState.STOPPING:
        _next(move, MoveState.PACKING, bot, move.source, now)
    elif state is MoveState.PACKING:
        rows.change(move.id, state=str(MoveState.LEAVING))
        pillars.rewrite(move.source)
        packed = _ask(move.id, MoveState.LEAVING, bot, move.source, now)
        transfer = transfers.of_job(move.job)
        if transfer is not None:
            transfers.hand_on(transfer.id, packed.id)  # the next step finds it by the move's job
        rows.change(move.id, job=packed.id, changed_at=now)
    elif state is MoveState.LEAVING:
        _leave(move, bot, now)
    elif state is MoveState.ARRIVING:
        _arrived(move, bot, now)
    else:
        _done(move, bot, now)


def _next(move: Move, to: MoveState, bot: Bot, node: str, now: float) -> None:
    rows.change(move.id, state=str(to), job=_ask(move.id, to, bot, node, now).id, error="", changed_at=now)


def _leave(move: Move, bot: Bot, now: float) -> None:
    """Go on to the target node, once the source node itself has said that the bot's container is gone."""
    transfer = transfers.of_job(move.job)
    try:
        if transfer is None or transfer.pub_id != bot.pub_id:
            raise NotFound("The tar with its identity was not kept.")
        if max(bot.sequence or 0, _written(move.job)) > transfer.sequence:
            raise ForkHazard("It has written more since it was packed.")
        target, port = elsewhere(bot)
    except SaltcellarError as error:
        _home(move, bot, error.sentence, now)
        return
    rows.change(move.id, state=str(MoveState.ARRIVING), target=target)
    bots.change(
        bot.id, node=target, port=placing.same_port([bot.port], target) or port, actual=str(Actual.PROVISIONING)
    )
    job = _ask(move.id, MoveState.ARRIVING, bots.with_ids([bot.id])[bot.id], target, now)
    transfers.hand_on(transfer.id, job.id)
    tar = {"job": job.id, "sha256": transfer.sha256, "size": transfer.size, "pub_id": transfer.pub_id}
    bots.change(bot.id, imported=tar, report=None, reported_at=None)
    rows.change(move.id, job=job.id, error="", changed_at=now)
    _rewrite(move.source, target)


def _written(job: str) -> int:
    """How far a pub's log went, as its node found when it removed the container; 0 if it did not say."""
    found = jobs.find(job)
    told = found.result.get("sequence") if found is not None and isinstance(found.result, dict) else None
    return told if isinstance(told, int) else 0


def _arrived(move: Move, bot: Bot, now: float) -> None:
    _clear(move, bot, now)
    _rewrite(bot.node)
    if pillars.effective(bot) is Desired.STOPPED:
        queue.ask(queue.Request(f"move:{move.id}", None, "stop"), "bots.stop", bot, now)


def _clear(move: Move, bot: Bot, now: float) -> None:
    """Ask the source node to clear up; a lost node can't be told, so its tombstones wait for it."""
    state = MoveState.LEFT if forgetting.can_not_be_told(move.source) else MoveState.CLEARING
    rows.change(move.id, state=str(state), error="", changed_at=now)
    _rewrite(move.source)
    if state is MoveState.CLEARING:
        _next(move, state, bot, move.source, now)


def _done(move: Move, bot: Bot, now: float) -> None:
    rows.change(move.id, state=str(MoveState.DONE), error="", changed_at=now)
    pillars.rewrite(move.source)
    said = f"{bot.name} is on {move.target}" if move.target != move.source else f"nothing of {bot.name} is there"
    auditing.record(f"move:{move.id}", "bots.moved", f"agent:{bot.id}", now, said)


def _home(move: Move, bot: Bot, wrong: str, now: float) -> None:
    """Call the move off: the bot stays where it is, and is told to be there what it should be."""
    rows.change(move.id, state=str(MoveState.BACK), error=wrong, changed_at=now)
    pillars.rewrite(bot.node)
    command = "bots.stop" if pillars.effective(bot) is Desired.STOPPED else "bots.start"
    queue.ask(queue.Request(f"move:{move.id}", None, "home"), command, bot, now)
    auditing.record(f"move:{move.id}", "bots.move_back", f"agent:{bot.id}", now, wrong)


def _again(move: Move, state: MoveState, bot: Bot, now: float) -> None:
    if state is MoveState.CLEARING:
        _clear(move, bot, now)
    else:
        _next(move, state, bot, move.target, now)


def _rewrite(*these: str) -> None:
    for node in these:
        pillars.rewrite(node)
