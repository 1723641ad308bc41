"""Commands and wishes, as shown to people and programs."""

from collections.abc import Iterable
from typing import Any

from pillar_service.core.meeseeks.catalogue import Command
from pillar_service.core.meeseeks.parameters import Parameter
from pillar_service.usecases.meeseeks.asking import Wish


def commands(these: Iterable[Command]) -> list[dict[str, Any]]:
    """Commands with their parameters and requirements."""
    return [command(one) for one in these]


def command(one: Command) -> dict[str, Any]:
    """One command."""
    asks = one.requires
    approval = asks.approval and {
        "role": asks.approval.role,
        "count": asks.approval.count,
        "minutes": asks.approval.minutes,
    }
    return {
        "name": one.name,
        "summary": one.summary,
        "help": one.help,
        "usage": one.usage,
        "examples": list(one.examples),
        "where": str(one.where),
        "selector": str(one.selector),
        "needs": sorted(one.capacities),
        "timeout_s": one.timeout_s,
        "requires": {"confirm": asks.confirm, "otp": asks.otp, "approval": approval},
        "parameters": [parameter(its) for its in one.parameters if not its.immutable],
    }


def parameter(one: Parameter) -> dict[str, Any]:
    """One parameter."""
    return {
        "name": one.name,
        "kind": str(one.kind),
        "help": one.help,
        "required": one.required,
        "default": None if one.secret else one.default,
        "choices": list(one.choices),
    }


def wish(wanted: Wish) -> dict[str, Any]:
    """What would run, where, with what."""
    return {"command": wanted.command.name, "arguments": wanted.shown, "nodes": list(wanted.nodes), "bot": wanted.bot}
