"""Claims: which jobs a master must carry out now, and in which runs. Only one master claims at a time (leases.py)."""

import time
from collections import Counter
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict
from pillar_service.core.jobs.commands import COMMANDS, CONVERGE, Command
from pillar_service.core.jobs.jobs import CLAIM_LEASE_S, URGENT, JobState
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.jobs import claims as rows
from pillar_service.store.jobs import runs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.jobs.runs import Run
from pillar_service.store.meeseeks import challenges
from pillar_service.store.nodes import nodes
from pillar_service.usecases.jobs import endings, leases, plans
from pillar_service.usecases.jobs.runs import described, give_up, sweep
from pillar_service.usecases.meeseeks import catalogue
from pillar_service.usecases.meeseeks.challenges import expire

AT_ONCE = 100
"""The most runs that one claim gives.

A claim has a fixed cost, even without a run. A master publishes a hundred runs in two seconds: well within the half of
its lease that is always left (leases.HELD_S), and within the minute that a claim is kept (CLAIM_LEASE_S).
"""

LOOKED_AT = 2 * AT_ONCE
"""How many waiting jobs one claim looks at: several may go into one run."""

CONVERGING = sorted(name for name, command in COMMANDS.items() if command.converges)


def is_claimable(master: str) -> bool:
    """Whether a claim could find anything to do. Cheap, and writes nothing: long polls call it all the time."""
    now = time.time()
    if leases.is_due(leases.PUBLISHING, master, now):
        return True
    if not leases.holds(leases.PUBLISHING, master, now):
        return False
    return (
        runs.any_expired(now) or challenges.any_expired(now) or (rows.is_waiting(now) and Claim(master, now).is_any())
    )


def claim(master: str) -> dict[str, Any]:
    """Return what this master must publish now: {"runs", "fence"}; no runs and no fence while another has the lease.

    A fence that differs from the previous one means that the master now also holds another master's runs. Before
    anything is claimed, runs, jobs and challenges whose time is over are ended.
    """
    now = time.time()
    with transaction():
        fence = leases.take(leases.PUBLISHING, master, now)
        if fence is None:
            return {"runs": [], "fence": None}
        sweep(now)
        expire(now)
        return {"runs": Claim(master, now).runs(), "fence": fence}


def without_master() -> None:
    """Give up jobs that have waited too long while no master claims, as nobody else would."""
    now = time.time()
    if leases.is_held(leases.PUBLISHING, now):
        return
    with transaction():
        give_up(now)
        expire(now)


class Claim:
    """One claim, inside the caller's transaction."""

    def __init__(self, master: str, now: float) -> None:
        self.master, self.now = master, now
        there = rows.nodes()
        taken = runs.counted(there)
        self._rooms = {node: most - taken.get(node, 0) for node, most in nodes.concurrency(there).items()}
        self._converging = {*runs.calling(CONVERGE, there), *runs.converging(there)}
        limited = rows.limited()
        self._running = Counter({command: count for command, (count, _) in limited.items()})
        full = [command for command, (count, most) in limited.items() if count >= most]
        self._busy = rows.Busy(sorted(self._converging), CONVERGING, full)
        self._made: list[tuple[Run, list[Job]]] = []
        self._plans: dict[str, Command] = {}

    def is_any(self) -> bool:
        """Whether there is anything to claim."""
        return bool(rows.front(self.now, self._rooms, self._busy, 1))

    def runs(self) -> list[dict[str, Any]]:
        """Make the runs, and return them as masters see them."""
        self._choose()
        runs.add(run for run, _ in self._made)
        taken = [(job.id, str(job.run), job.attempts + 1, self._late(job)) for _, its in self._made for job in its]
        if rows.claim(taken) != len(taken):
            raise Conflict("Another master has just claimed the same job: claim again.")
        return [described(run, together) for run, together in self._made]

    def _late(self, job: Job) -> float | None:
        """Until when the job waits for its node: counted from its first turn, which may have been long in coming."""
        return None if job.deadline_at is None else min(job.deadline_at, self.now + settings().chat_deadline_s)

    def _choose(self) -> None:
        waiting = rows.waiting(self.now, self._rooms, self._busy, LOOKED_AT)
        self._waiting = [job for job in waiting if plans.is_known(job)]
        self._of_bots = rows.open_of_bots({job.bot for job in self._waiting if job.bot})
        known = catalogue.current().catalogue
        for job in self._waiting:
            if why := catalogue.changed(job, known):
                endings.end(job, JobState.FAILED, why, self.now)
                continue
            together = self._together(job)
            if together:
                self._give(together)
            if len(self._made) == AT_ONCE:
                return

    def _plan(self, job: Job) -> Command:
        if job.id not in self._plans:
            self._plans[job.id] = plans.of(job)
        return self._plans[job.id]

    def _together(self, job: Job) -> list[Job]:
        """The jobs that a run made for this job would carry out; none if the job must wait."""
        if not self._may_go(job) or not self._has_room(job):
            return []
        if not self._plan(job).converges:
            return [job]
        if job.node in self._converging:
            return []
        return [other for other in self._waiting if self._is_like(other, job) and self._may_go(other)]

    def _is_like(self, other: Job, job: Job) -> bool:
        if job.plan is not None or other.plan is not None:
            return other.id == job.id  # a plan is carried out exactly as it is
        mine, its = self._plan(job), self._plan(other)
        return other.node == job.node and (its.function, its.leading) == (mine.function, mine.leading)

    def _has_room(self, job: Job) -> bool:
        if job.at_most and self._running[job.command] >= job.at_most:
            return False
        return job.node is None or job.priority == URGENT or self._rooms[job.node] > 0

    def _may_go(self, job: Job) -> bool:
        # A bot's jobs run one after another: an invite waits for the pouring that was requested before it.
        if job.run is not None:
            return False
        if job.bot is None:
            return True
        mine, before = self._plan(job), self._of_bots.get(str(job.bot), [])
        return all(
            plans.is_known(other)
            and mine.converges
            and other.state == JobState.QUEUED
            and self._plan(other).leading == mine.leading
            for other in before[: next((n for n, other in enumerate(before) if other.id == job.id), 0)]
        )

    def _give(self, together: list[Job]) -> None:
        first, asked = together[0], [self._plan(job) for job in together]
        run = runs.new(
            id=names.new_id(),
            node=first.node,
            function=asked[0].function,
            arguments=plans.arguments(first),
            keywords=plans.keywords(together),
            master=self.master,
            timeout_s=max(command.timeout_s for command in asked),
            retry_safe=all(command.retry_safe for command in asked),
            created_at=self.now,
            expires_at=self.now + CLAIM_LEASE_S,
        )
        for job in together:
            job.run, job.state = run.id, str(JobState.CLAIMED)
        self._made.append((run, sorted(together, key=lambda job: (job.created_at, job.id))))
        self._note(first)

    def _note(self, job: Job) -> None:
        if job.node is not None:
            self._rooms[job.node] -= 1
            self._converging |= {job.node} if self._plan(job).converges else set()
        self._running[job.command] += 1
