"""What the roles say: when somebody asks, and once more when what they asked for has waited for others."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.meeseeks.roles import Decision
from pillar_service.core.nodes import selectors
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.jobs import executing
from pillar_service.usecases.meeseeks import catalogue, people, targets
from pillar_service.usecases.meeseeks.asker import OPERATOR, Asker

SINCE = "Your roles have changed since you asked. "


def decided(asker: Asker, name: str, arguments: Mapping[str, Any] | None) -> Decision:
    """What the roles say about an asker, a command (or a privilege such as `meeseeks.audit`) and its arguments."""
    if asker.caller is None:
        return OPERATOR
    return catalogue.current().policy.decide(asker.caller, name, arguments, asker.channel)


def denied(job: Job) -> str | None:
    """Why the asker's current roles don't let a job run as it was asked for; None if they do."""
    caller, plan = people.of_actor(job.actor), job.plan or {}
    if caller is None:
        return "Whoever asked for it is no longer known."
    asker = Asker(job.actor, caller, plan["channel"])
    given = {**job.arguments, **executing.secrets(job)}
    decision = decided(asker, job.command, given)
    if not decision.allowed:
        return SINCE + decision.why
    try:
        why = _elsewhere(asker, job, given, decision)
    except SaltcellarError as error:
        why = error.sentence
    return why and SINCE + why


def _elsewhere(asker: Asker, job: Job, given: Mapping[str, Any], decision: Decision) -> str | None:
    """Why they may not run it where it is to run, or None; may also raise this, as `targets.bot` does."""
    plan = job.plan or {}
    if plan["bot"] is not None:
        command = catalogue.current().catalogue.command(job.command)
        targets.bot(asker, command, given, selectors.parse(plan["selector"]), decision.selector)
        return None
    known = targets.labels(plan["nodes"])
    gone = [node for node in plan["nodes"] if node not in known or not decision.selector.matches(known[node])]
    return f"They do not let you run {job.command} on {targets.told(gone)}." if gone else None
