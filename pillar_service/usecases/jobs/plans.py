"""Plans: how a job is carried out, whether by a command of core or by the plan that it was asked for with."""

from collections.abc import Sequence
from typing import Any

from pillar_service.core.jobs.commands import COMMANDS, Command
from pillar_service.store.jobs.jobs import Job


def of(job: Job) -> Command:
    """What carries a job out. A plan stays as it was when the job was asked for, whatever the catalogue says now."""
    if job.plan is None:
        return COMMANDS[job.command]
    plan = job.plan
    told = {key: plan[key] for key in ("timeout_s", "retry_safe")}
    return Command(job.command, plan["function"], converging=job.converges, **told)


def is_known(job: Job) -> bool:
    """Whether this version can carry the job out; after a downgrade, jobs that a newer version queued wait for it."""
    return job.plan is not None or job.command in COMMANDS


def converges(job: Job) -> bool:
    """Whether the job applies states; False if only a newer version would know."""
    return is_known(job) and of(job).converges


def keywords(together: Sequence[Job]) -> dict[str, Any]:
    """The keyword arguments of the function for jobs that share a run."""
    first = together[0]
    if first.plan is not None:
        return dict(first.plan["keywords"])
    return of(first).keywords({str(job.bot) for job in together})


def arguments(job: Job) -> list[Any]:
    """The positional arguments of a job's function."""
    if job.plan is not None:
        guard = [job.id, job.attempts + 1] if job.plan["is_guarded"] else []
        return [*guard, *job.plan["arguments"]]
    command = of(job)
    if command.converges:
        return list(command.leading)
    exported = [job.id] if command.name == "bots.export" else []  # the tar is uploaded under the job's id
    # A job that was queued before its command had this argument uses the default.
    given = [job.arguments.get(name, default) for name, (default, _) in command.arguments.items()]
    return [*command.leading, job.bot, *exported, *given]


def may_run_again(job: Job) -> bool:
    """Whether another attempt does no harm: its command says so, or its node never began the current one."""
    if of(job).retry_safe:
        return True
    return job.plan is not None and job.plan["is_guarded"] and not has_begun(job)


def has_begun(job: Job) -> bool:
    """Whether its node was allowed to begin the current attempt."""
    return (job.begun or 0) >= job.attempts > 0
