"""Explaining: whether somebody could run a line, where, and why. Decided as if they asked; nothing is stored."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.meeseeks import typed
from pillar_service.core.meeseeks.catalogue import Action, Command
from pillar_service.core.meeseeks.roles import Decision
from pillar_service.core.meeseeks.typed import Typed
from pillar_service.core.nodes import selectors
from pillar_service.core.nodes.selectors import Selector
from pillar_service.usecases.meeseeks import asking, catalogue, deciding, people, targets
from pillar_service.usecases.meeseeks.asker import Asker


def can(user: object, line: object, channel: object = "", selector: object = "") -> dict[str, Any]:
    """Whether a user may run a line, or has a privilege: {"allowed", "why" (a list of lines), "nodes"}.

    For a command without the arguments that it needs: whether they may run it with some. Raises Invalid for a malformed
    user, line or selector.
    """
    known = catalogue.current()
    asker, parsed = people.asking_as(user, str(channel or "")), typed.read(line, known.catalogue.flags)
    assert asker.caller is not None
    asked = parsed.selector.both(selectors.parse(selector or ""))
    command = known.catalogue.commands.get(parsed.command)
    given = None if command is None else _given(command, parsed)
    decision = deciding.decided(asker, parsed.command, given)
    why = known.policy.explain(asker.caller, parsed.command, given, asker.channel, asked)
    if not decision.allowed:
        return {"allowed": False, "why": why, "nodes": []}
    try:
        return {"allowed": True, "why": why, "nodes": _nodes(asker, command, given, asked, decision)}
    except SaltcellarError as error:
        why = [f"denied: {error.sentence}", f"by the roles alone {why[0]}", *why[1:]]
        return {"allowed": False, "why": why, "nodes": []}


def _given(command: Command, parsed: Typed) -> dict[str, Any] | None:
    """The arguments of a line, checked; None for a bare command that needs some."""
    is_alone = not (parsed.positional or parsed.named)
    if is_alone and any(one.required for one in command.parameters):
        return None
    return targets.named(command, command.checked(command.bound(parsed.positional, parsed.named)))


def _nodes(
    asker: Asker, command: Command | None, given: Mapping[str, Any] | None, asked: Selector, decision: Decision
) -> list[str]:
    """Where it would run; at most, where that can't be known: for a privilege, and a bot's action without its bot."""
    if command is None or (given is None and isinstance(command.runs, Action)):
        return decision.nodes(asked, targets.labels())
    if given is None:
        return targets.of(command, {}, asked, decision.selector)
    return list(asking.placed(asker, command, given, asked).nodes)
