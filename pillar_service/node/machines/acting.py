"""Carries out a transition's actions: one after the other, each to its end before the next begins."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import Failed
from pillar_service.core.machines.machines import Action, Deed
from pillar_service.core.meeseeks import templates
from pillar_service.node.governors import Lease
from pillar_service.node.machines import commands, containers, expressions
from pillar_service.node.machines.looks import Put

LAST_WORDS = 300


def slow(action: Action, names: Mapping[str, Any], put: Put, lease: Lease | None = None) -> str:
    """Carry out a slow action, if its lease is still valid; returns its output. Raises a SaltcellarError if it fails."""
    if lease is not None:
        lease.check()
    if action.deed is Deed.RESTART:
        containers.restart(text(action, names))
        return ""
    if action.deed is Deed.CONFIGURE:
        return _configured(action.what, names, put)
    ended = commands.run(templates.words(action.what, names), action.timeout_s, action.user)
    said = ended.output[-LAST_WORDS:]
    if ended.timed_out:
        raise Failed(f"It took more than {action.timeout_s} s, and was ended. {said}".strip())
    if ended.exit_code:
        raise Failed(f"It ended with the exit code {ended.exit_code}. {said}".strip())
    return said


def _configured(what: Mapping[str, str], names: Mapping[str, Any], put: Put) -> str:
    fresh = {key: expressions.value(one, names) for key, one in what.items()}
    for key, value in fresh.items():
        put(key, value)
    return ", ".join(f"{key}: {value!r}" for key, value in fresh.items())[:LAST_WORDS]


def text(action: Action, places: Mapping[str, Any]) -> str:
    """The action's text with its placeholders filled in."""
    return str(templates.word(action.what, {name: "" if one is None else one for name, one in places.items()}))
