"""Runs: how masters carry out what they claimed, and what happens to a run that does not finish."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound
from pillar_service.core.jobs import outcomes, redaction
from pillar_service.core.jobs.faults import NODE_AWAY, sentence
from pillar_service.core.jobs.jobs import QUEUED_FOR_S, JobState, Reason, after_failure
from pillar_service.core.jobs.outcomes import Outcome
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs, outputs, runs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.jobs.outputs import Line
from pillar_service.store.jobs.runs import Run, Standing
from pillar_service.usecases.jobs import endings, keeping, one_by_one, parts, plans, queue, redacting

Known = TypeVar("Known", Run, Standing)

GRACE_S = 60.0
"""How long after a run's timeout its result is still awaited."""

AWAY_AGAIN_S = 10.0
"""How long until a job that may wait for its node is tried again."""

AGAIN_AFTER_S = 2.0
"""How long until a job's next attempt, multiplied by the number of attempts so far."""

LINE_LENGTH = 2000
"""The most characters kept of a line from Salt."""


def held(master: str) -> list[dict[str, Any]]:
    """The runs that this master has claimed or is running, oldest first: it must resume them after a restart."""
    these = runs.held_by(master)
    carried = jobs.of_runs([run.id for run in these])
    return [described(run, carried[run.id]) for run in these]


def described(run: Run, carried: Iterable[Job]) -> dict[str, Any]:
    """A run and its jobs, as masters see them; a run without a node is a runner on the master itself."""
    these = list(carried)
    return {
        "id": run.id,
        "node": run.node,
        "function": run.function,
        "arguments": run.arguments,
        "keywords": run.keywords,
        "timeout_s": run.timeout_s,
        "jid": run.jid,
        "jobs": [job.id for job in these],
        "requests": {job.id: job.request for job in these if job.request},
        "bots": sorted({job.bot for job in these if job.bot}),
        "retry_safe": run.retry_safe,
        "taken_over": run.taken_over,
    }


def _found(id: str, run: Known | None) -> Known:
    if run is None:
        raise NotFound(f"There is no run {names.shown(id)}.")
    return run


def _mine(master: str, id: str, found: Known | None) -> Known:
    run = _found(id, found)
    if run.master != master:
        raise Forbidden(f"The run {id} is held by the master {run.master}, not by {master}.")
    return run


def started(master: str, id: str, jid: object) -> None:
    """Note that the master is about to publish a run; raises NotFound, Forbidden, Conflict if it must not publish it."""
    with transaction():
        start(master, {id: jid}, time.time())


def start(master: str, jids: Mapping[str, object], now: float) -> None:
    """Note that runs are about to be published, in the caller's transaction; raises as `started`, for any of them."""
    known, carrying, fresh = runs.standing(jids), runs.carrying(jids), []
    for id, jid in jids.items():
        run, published = _mine(master, id, known.get(id)), names.text(jid, "jid", 100)
        if run.state == runs.RUNNING and run.jid == published:
            continue
        if run.state != runs.CLAIMED or id not in carrying:
            raise Conflict(f"The run {id} is no longer yours: do not publish it.")
        fresh.append((id, published, now + run.timeout_s + GRACE_S))
    if runs.start(fresh) != len(fresh):
        raise Conflict("A run has just been given up: do not publish it.")
    jobs.start([id for id, _, _ in fresh], now)


def add_lines(master: str, id: str, lines: object) -> None:
    """Keep lines about a run's progress.

    ``key`` is unique within the run; ``state_id`` says which job a line belongs to (empty: all). Beyond JOB_LINES and
    JOB_BYTES, lines are only counted.
    """
    now = time.time()
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise Invalid('Lines must be a list such as [{"key": "1", "state_id": "…", "text": "…"}].')
    with transaction():
        _mine(master, id, runs.find(id))
        for job in jobs.of_runs([id])[id]:
            _keep(job, [line for line in lines if _is_for(job, line.get("state_id"))], now)


def _keep(job: Job, lines: list[Mapping[str, Any]], now: float) -> None:
    patterns = redacting.patterns(job) if lines else []
    told = {str(line.get("key"))[:200]: redaction.without(_printable(line.get("text")), patterns) for line in lines}
    known = outputs.keys(job.id, list(told))
    fresh = [Line(key, None, text) for key, text in told.items() if key not in known]
    if fresh:
        before = outputs.taken(job.id, job.attempts)
        keeping.keep(job, job.attempts, before + len(fresh), fresh, now)


def _is_for(job: Job, state_id: object) -> bool:
    return not state_id or outcomes.owner(str(state_id)) == job.bot


def _printable(text: object) -> str:
    return names.printable(str(text)[:LINE_LENGTH])


class Returned(NamedTuple):
    """What a node (None: a runner on the master) returned for a run that was published under a jid."""

    jid: object
    node: object
    returned: object
    success: object
    retcode: object


def result(id: str, jid: object, node: object, returned: object, success: object, retcode: object) -> None:
    """Take what the node returned, and settle each job of the run. Repeating it changes nothing.

    Any master may bring it, as the one that published the run may have lost the lease since. Raises NotFound, and
    Conflict if the run was never started, or if the return belongs to another publication or another node.
    """
    with transaction():
        settle({id: Returned(jid, node, returned, success, retcode)}, time.time())


def settle(told: Mapping[str, Returned], now: float) -> None:
    """Take what runs returned, in the caller's transaction; raises as `result`, for any of them."""
    known, carried = runs.standing(told), jobs.of_runs(told)
    fresh = {id: its for id, its in told.items() if _is_awaited(_found(id, known.get(id)), its)}
    runs.end(fresh)
    ended = [(job, _outcome(job, its)) for id, its in fresh.items() for job in carried[id]]
    with parts.together(now):
        endings.settle_all([(job, its) for job, its in ended if its.again is None], now)
        for job, its in ended:
            if its.again is not None:
                _fail_job(job, its.again, its.error or "", now)


def _is_awaited(run: Standing, its: Returned) -> bool:
    if run.state == runs.ENDED:
        return False
    if run.state != runs.RUNNING or (run.jid, run.node) != (its.jid, its.node):
        raise Conflict(f"The run {run.id} waits for the job {run.jid} on {run.node}, not for {its.jid} on {its.node}.")
    return True


def _outcome(job: Job, its: Returned) -> Outcome:
    return endings.outcome(job, its.returned, bool(its.success), its.retcode if isinstance(its.retcode, int) else 1)


def failed(master: str, id: str, reason: object, detail: object = "") -> bool:
    """Note that a master could not finish a run: each of its jobs is tried again or fails, as the rules say.

    Returns whether the run is over. It is not if its node has begun it and may still report the outcome: then keep
    following it.
    """
    why = names.one_of(Reason, reason, "reason")
    with transaction():
        run = _mine(master, id, runs.find(id))
        return run.state == runs.ENDED or _fail(run, why, str(detail or ""), time.time())


SENTENCES = {
    Reason.NOT_PUBLISHED: "The master could not publish it to the node.",
    Reason.NO_RETURN: "The node did not answer in time.",
    Reason.NODE_AWAY: NODE_AWAY,
    Reason.NOT_RUNNING: "The node no longer runs it and never said how it ended: check the bot, then try again.",
    Reason.OLD_PILLAR: outcomes.COPY,
    Reason.NOT_BEGUN: "The node has not started it.",
}


def _fail(run: Run, reason: Reason, detail: str, now: float) -> bool:
    # A run that was only claimed was never published, whatever its master says.
    reason = reason if run.state == runs.RUNNING else Reason.NOT_PUBLISHED
    carried = jobs.of_runs([run.id])[run.id]
    if reason is not Reason.NOT_RUNNING and (until := _may_be_told(carried)) > now:
        runs.extend(run.id, until)
        return False
    runs.end([run.id])
    said = SENTENCES[reason] + (f" {sentence(detail)}" if detail else "")
    for job in carried:
        _fail_job(job, reason, said, now)
    return True


def _may_be_told(carried: list[Job]) -> float:
    """Until when the node that began this keeps its outcome for us; 0 if it did not begin it, or keeps none."""
    told = [job for job in carried if job.plan is not None and job.plan["is_guarded"] and plans.has_begun(job)]
    return max((float(job.deadline_at or 0) for job in told), default=0.0)


def _fail_job(job: Job, reason: Reason, said: str, now: float) -> None:
    never_ran = reason is Reason.NOT_BEGUN  # the node's own word; our permission may have got lost
    if reason in (Reason.NOT_PUBLISHED, Reason.NODE_AWAY):
        never_ran = not plans.has_begun(job)
        reason = reason if never_ran else Reason.NOT_RUNNING
    if never_ran and job.deadline_at is not None and now < job.deadline_at:
        # It may wait for its node until its deadline, and this was no attempt; but a number that was begun is never reused.
        spent = job.attempts if plans.has_begun(job) else job.attempts - 1
        again = {"attempts": spent, "not_before": min(now + AWAY_AGAIN_S, job.deadline_at)}
        jobs.move(job.id, job.state, JobState.QUEUED, run=None, error=said, **again)
        return
    to = after_failure(reason, plans.may_run_again(job), job.attempts)
    if to is JobState.QUEUED:
        jobs.move(job.id, job.state, to, run=None, error=said, not_before=now + AGAIN_AFTER_S * job.attempts)
    else:
        endings.end(job, to, said, now)


def sweep(now: float) -> None:
    """End what has waited too long, in the caller's transaction: runs without a return, and jobs that nobody took."""
    with parts.together(now):
        one_by_one.end(runs.expired(now), lambda run: _fail(run, Reason.NO_RETURN, "", now), now)
    give_up(now)


def give_up(now: float) -> None:
    """End jobs that nobody took in time, and jobs that stayed open though all their parts are over.

    In the caller's transaction. It must work without a master: a run's result arrives once a master is back, but a job
    that waits for a master may wait forever.
    """
    with parts.together(now):
        one_by_one.end(jobs.past_deadline(now), lambda job: _late(job, now), now)
        one_by_one.end(jobs.queued_before(now - QUEUED_FOR_S), lambda job: _never_taken(job, now), now)
        for whole in jobs.left_open(now - QUEUED_FOR_S):
            parts.part_moved(whole, now)


def _late(job: Job, now: float) -> None:
    said = job.error or f"{job.node or 'The master'} did not take it in time."
    endings.end(job, JobState.TIMED_OUT, said, now)


def _never_taken(job: Job, now: float) -> None:
    endings.end(job, JobState.TIMED_OUT, f"No master took the job for {queue.target(job)} within a day.", now)
