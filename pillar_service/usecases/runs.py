"""Runs: how masters claim jobs and carry them out, and what becomes of a run that does not come to an end."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from pillar_service.core import names, outcomes
from pillar_service.core.commands import COMMANDS, CONVERGE, Command
from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound
from pillar_service.core.faults import sentence
from pillar_service.core.jobs import CLAIM_LEASE_S, QUEUED_FOR_S, JobState, Reason, after_failure
from pillar_service.store import bots, jobs, nodes, runs
from pillar_service.store.database import transaction
from pillar_service.store.jobs import Job
from pillar_service.store.runs import Run
from pillar_service.usecases import endings

GRACE_S = 60.0
"""How long after a run's timeout its result is still waited for."""

AGAIN_AFTER_S = 2.0
"""How long a job waits for its next try, times the tries it has had."""

AT_ONCE = 50
"""The most runs that one claim gives."""

LINES, LINE_LENGTH = 5000, 2000
"""The most lines of a job, and the most characters of a line, that are kept."""


def is_claimable() -> bool:
    """Whether a claim could find anything to do. Cheap, and writes nothing: long polls ask it all the time."""
    now = time.time()
    return jobs.is_waiting(now) or runs.any_expired(now)


def claim(master: str) -> list[dict[str, Any]]:
    """What this master is to publish now; each job is given to one master. Gives back first what others left lying."""
    now = time.time()
    with transaction():
        _sweep(now)
        return [_described(run) for run in _claim(master, now)]


def _claim(master: str, now: float) -> Iterable[Run]:
    waiting = jobs.still_open()
    if not any(job.state == JobState.QUEUED and job.not_before <= now for job in waiting):
        return
    room = {node.id: node.concurrency for node in nodes.listed()}
    converging = set()
    for run in runs.still_open():
        room[run.node] -= 1
        converging |= {run.node} if run.function == CONVERGE else set()
    given: set[str] = set()
    for job in waiting:
        if len(given) >= AT_ONCE:
            return
        together = _together(job, waiting, converging, now)
        if job.run is not None or room[job.node] < 1 or not together:
            continue
        run = _given(master, together, now)
        room[job.node] -= 1
        converging |= {job.node} if COMMANDS[job.command].converges else set()
        given.add(run.id)
        yield run


def _together(job: Job, waiting: list[Job], converging: set[str], now: float) -> list[Job]:
    """The jobs that one run would carry out if it were made for this job; none if it must wait."""
    command = COMMANDS[job.command]
    if not _may_go(job, waiting, now):
        return []
    if not command.converges:
        return [job]
    if job.node in converging:
        return []
    return [
        other
        for other in waiting
        if other.node == job.node
        and COMMANDS[other.command].function == command.function
        and COMMANDS[other.command].leading == command.leading
        and _may_go(other, waiting, now)
    ]


def _may_go(job: Job, waiting: list[Job], now: float) -> bool:
    # A bot's jobs run one after the other: an invite waits for the pouring that was asked for before it.
    if job.state != JobState.QUEUED or job.run is not None or job.not_before > now:
        return False
    before = [other for other in waiting[: waiting.index(job)] if other.bot == job.bot]
    mine = COMMANDS[job.command]
    return all(
        mine.converges and other.state == JobState.QUEUED and COMMANDS[other.command].leading == mine.leading
        for other in before
    )


def _given(master: str, together: list[Job], now: float) -> Run:
    first, asked = together[0], [COMMANDS[job.command] for job in together]
    run = runs.add(
        id=names.new_id(),
        node=first.node,
        function=asked[0].function,
        arguments=_arguments(asked[0], first),
        # A state run that somebody started by hand is waited for instead of failing at once.
        keywords=asked[0].keywords,
        master=master,
        timeout_s=max(command.timeout_s for command in asked),
        retry_safe=all(command.retry_safe for command in asked),
        created_at=now,
        expires_at=now + CLAIM_LEASE_S,
    )
    for job in together:
        if not jobs.move(job.id, JobState.QUEUED, JobState.CLAIMED, run=run.id, attempts=job.attempts + 1):
            raise Conflict("Another master has just claimed the same job: claim again.")
        job.run = run.id
    return run


def _arguments(command: Command, job: Job) -> list[Any]:
    if command.converges:
        return list(command.leading)
    exported = [job.id] if command.name == "bots.export" else []  # the tar comes back under the job's id
    # A job from before its command took this argument goes by the default.
    given = [job.arguments.get(name, default) for name, (default, _) in command.arguments.items()]
    return [*command.leading, job.bot, *exported, *given]


def held(master: str) -> list[dict[str, Any]]:
    """The runs that this master has claimed or runs, oldest first: what it must take up again after a restart."""
    return [_described(run) for run in runs.held_by(master)]


def _described(run: Run) -> dict[str, Any]:
    carried = jobs.of_runs([run.id])
    return {
        "id": run.id,
        "node": run.node,
        "function": run.function,
        "arguments": run.arguments,
        "keywords": run.keywords,
        "timeout_s": run.timeout_s,
        "jid": run.jid,
        "jobs": [job.id for job in carried],
        "bots": sorted({job.bot for job in carried}),
        "retry_safe": run.retry_safe,
    }


def _mine(master: str, id: str) -> Run:
    run = runs.find(id)
    if run is None:
        raise NotFound(f"There is no run {names.shown(id)}.")
    if run.master != master:
        raise Forbidden(f"The run {id} is held by the master {run.master}, not by {master}.")
    return run


def started(master: str, id: str, jid: object) -> None:
    """Written before the run is published. Raises Conflict when it is no longer this master's: it must not publish."""
    published, now = names.text(jid, "jid", 100), time.time()
    with transaction():
        run = _mine(master, id)
        if run.state == runs.RUNNING and run.jid == published:
            return
        carried = jobs.of_runs([id])
        if not carried or not runs.start(id, published, now + run.timeout_s + GRACE_S):
            raise Conflict(f"The run {id} is no longer yours: do not publish it.")
        for job in carried:
            jobs.move(job.id, JobState.CLAIMED, JobState.RUNNING, started_at=now)


def add_lines(master: str, id: str, lines: object) -> None:
    """Keep lines of what happens: ``key`` is unique in the run, ``state_id`` says whose (without: every job's)."""
    now = time.time()
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise Invalid('Lines are a list such as [{"key": "1", "state_id": "…", "text": "…"}].')
    with transaction():
        _mine(master, id)
        for job in jobs.of_runs([id]):
            n = jobs.line_count(job.id)
            for line in lines:
                if n < LINES and _is_for(job, line.get("state_id")):
                    n += jobs.add_line(job.id, n + 1, str(line.get("key"))[:200], _printable(line.get("text")), now)


def _is_for(job: Job, state_id: object) -> bool:
    return not state_id or outcomes.owner(str(state_id)) == job.bot


def _printable(text: object) -> str:
    return "".join(c if c.isprintable() else " " for c in str(text)[:LINE_LENGTH])


def result(master: str, id: str, jid: object, node: object, returned: object, success: object, retcode: object) -> None:
    """Take what the node returned, and settle each job of the run. The same again changes nothing.

    Raises Conflict when the run was never started, or when the return is of another publish or another node.
    """
    now = time.time()
    with transaction():
        run = _mine(master, id)
        if run.state == runs.ENDED:
            return
        if run.state != runs.RUNNING or (run.jid, run.node) != (jid, node):
            raise Conflict(f"The run {id} waits for the job {run.jid} on {run.node}, not for {jid} on {node}.")
        carried = jobs.of_runs([id])
        runs.end(id)
        code = retcode if isinstance(retcode, int) else 1
        for job in carried:
            ended = endings.outcome(job, returned, bool(success), code)
            if ended.is_old:
                _fail_job(job, Reason.OLD_PILLAR, ended.error or "", now)
            else:
                endings.settle(job, ended, now)


def failed(master: str, id: str, reason: object, detail: object = "") -> None:
    """A run that its master could not bring to an end: each job is tried again, or fails, as the rules say."""
    why = names.one_of(Reason, reason, "reason")
    with transaction():
        run = _mine(master, id)
        if run.state != runs.ENDED:
            _fail(run, why, str(detail or ""), time.time())


SENTENCES = {
    Reason.NOT_PUBLISHED: "The master could not publish it to the node.",
    Reason.NO_RETURN: "The node did not answer in time.",
    Reason.NODE_AWAY: "The node is away: it did not take the job. Check that its salt-minion runs.",
    Reason.NOT_RUNNING: "The node does not run it any more and never said how it ended: look at the bot, try again.",
    Reason.OLD_PILLAR: outcomes.COPY,
}


def _fail(run: Run, reason: Reason, detail: str, now: float) -> None:
    # What was only claimed was never published, whatever its master says.
    reason = reason if run.state == runs.RUNNING else Reason.NOT_PUBLISHED
    carried = jobs.of_runs([run.id])
    runs.end(run.id)
    said = SENTENCES[reason] + (f" {sentence(detail)}" if detail else "")
    for job in carried:
        _fail_job(job, reason, said, now)


def _fail_job(job: Job, reason: Reason, said: str, now: float) -> None:
    to = after_failure(reason, COMMANDS[job.command].retry_safe, job.attempts)
    if to is JobState.QUEUED:
        jobs.move(job.id, job.state, to, run=None, error=said, not_before=now + AGAIN_AFTER_S * job.attempts)
    else:
        endings.end(job, to, said, now)


def _sweep(now: float) -> None:
    for run in runs.expired(now):
        _fail(run, Reason.NO_RETURN, "", now)
    for job in jobs.queued_before(now - QUEUED_FOR_S):
        bot = bots.with_ids([job.bot])[job.bot]
        endings.end(job, JobState.TIMED_OUT, f"No master took the job for {bot.name} within a day.", now)
