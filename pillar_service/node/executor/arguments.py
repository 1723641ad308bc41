"""Turns given arguments into an argument list: each is checked once more, and each stays one word."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks import templates
from pillar_service.node.executor.entries import Entry


def checked(entry: Entry, given: Mapping[str, Any], secrets: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments of a command, with defaults; ``secrets`` are those that the service handed out.

    If ``secrets`` is None, only the other arguments are checked. Raises Invalid for an unknown or bad argument, and for a
    secret among ``given``, which came through Salt.
    """
    for name in sorted(given, key=str):
        if name not in entry.parameters:
            known = ", ".join(entry.parameters) or "none"
            raise Invalid(f"{entry.name} takes no argument {names.shown(name)}; it takes: {known}.")
        if entry.parameters[name].secret and given[name] is not None:
            raise Invalid(f"{name} is secret: it may not travel with the job.")
    return {
        name: parameter.checked(((secrets or {}) if parameter.secret else given).get(name))
        for name, parameter in entry.parameters.items()
        if not (parameter.secret and secrets is None)
    }


def secret_texts(entry: Entry, arguments: Mapping[str, Any]) -> list[str]:
    """The values of the secret arguments, which must not show up anywhere."""
    secret = (arguments.get(name) for name, parameter in entry.parameters.items() if parameter.secret)
    return [str(value) for value in secret if value]


def words(entry: Entry, arguments: Mapping[str, Any], script: str | None) -> list[str]:
    """The argument list to run; if there is a script, its interpreter and path come first."""
    leading = [*(entry.script.interpreter if entry.script else ()), *([script] if script else [])]
    return [*leading, *templates.words(entry.argv, arguments)]
