"""Plans: how a job is carried out, whether core's commands say it or the plan it was asked with."""

from collections.abc import Sequence
from typing import Any

from pillar_service.core.jobs.commands import COMMANDS, Command
from pillar_service.store.jobs.jobs import Job


def of(job: Job) -> Command:
    """What carries a job out. A plan stands as it was when the job was asked for, whatever the catalogue says now."""
    if job.plan is None:
        return COMMANDS[job.command]
    plan = job.plan
    told = {key: plan[key] for key in ("timeout_s", "retry_safe")}
    return Command(job.command, plan["function"], converging=job.converges, **told)


def is_known(job: Job) -> bool:
    """Whether this version can carry it out: after the step back from a newer one, what that was asked for waits for it."""
    return job.plan is not None or job.command in COMMANDS


def converges(job: Job) -> bool:
    """Whether it applies states; nobody knows that here of what a newer version asked for."""
    return is_known(job) and of(job).converges


def keywords(together: Sequence[Job]) -> dict[str, Any]:
    """What the function of jobs that go into one run is called with by name."""
    first = together[0]
    if first.plan is not None:
        return dict(first.plan["keywords"])
    return of(first).keywords({str(job.bot) for job in together})


def arguments(job: Job) -> list[Any]:
    """What its function is called with."""
    if job.plan is not None:
        guard = [job.id, job.attempts + 1] if job.plan["is_guarded"] else []
        return [*guard, *job.plan["arguments"]]
    command = of(job)
    if command.converges:
        return list(command.leading)
    exported = [job.id] if command.name == "bots.export" else []  # the tar comes back under the job's id
    # A job from before its command took this argument goes by the default.
    given = [job.arguments.get(name, default) for name, (default, _) in command.arguments.items()]
    return [*command.leading, job.bot, *exported, *given]


def may_run_again(job: Job) -> bool:
    """Whether another attempt does no harm: its command says so, or its node never began the one there was."""
    if of(job).retry_safe:
        return True
    return job.plan is not None and job.plan["is_guarded"] and not has_begun(job)


def has_begun(job: Job) -> bool:
    """Whether its node was allowed to begin the attempt there is now."""
    return (job.begun or 0) >= job.attempts > 0
