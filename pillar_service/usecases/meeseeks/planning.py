"""Plans: what exactly a job will run, stored when it is asked for, so that no reload of the catalogue changes it.

What a node runs is in its pillar, and may change there; the plan has its digest, so that a changed command does not
begin.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pillar_service.core.meeseeks import runs
from pillar_service.core.meeseeks.catalogue import Action, Command, Runner
from pillar_service.core.nodes.selectors import Selector
from pillar_service.usecases.jobs import executing, queue
from pillar_service.usecases.meeseeks.asker import Asker


def plan(
    job: str,
    asker: Asker,
    command: Command,
    arguments: Mapping[str, Any],
    selector: Selector,
    nodes: Sequence[str],
    bot: str | None,
) -> dict[str, Any]:
    """The plan of a job (its id) as the table stores it, with secret arguments sealed."""
    open_to_all = {k: v for k, v in arguments.items() if k not in command.secrets and v is not None}
    secret = {k: str(v) for k, v in arguments.items() if k in command.secrets and v is not None}
    return {
        **queue.NOTHING,
        "selector": str(selector),
        "nodes": list(nodes),
        "bot": bot,
        "timeout_s": command.timeout_s,
        "retry_safe": command.retry_safe,
        "channel": asker.channel,
        "output": {"private": command.output.private, "file": command.output.file},
        "redact": list(command.output.redact),
        "governor": command.governor,
        "secrets": executing.sealed(job, secret),
        **_call(command, open_to_all),
    }


def _call(command: Command, arguments: dict[str, Any]) -> dict[str, Any]:
    if isinstance(command.runs, Action):
        return {"function": command.runs.command, "arguments": [], "keywords": arguments, "is_guarded": False}
    if isinstance(command.runs, Runner):
        given, keywords = runs.call(command.runs, arguments)
        return {"function": command.runs.name, "arguments": given, "keywords": keywords, "is_guarded": False}
    told = {"function": runs.EXECUTOR, "arguments": [command.name, arguments], "keywords": {}, "is_guarded": True}
    return {**told, "entry": command.digest}
