"""A command as the pillar describes it, checked before anything is done with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Forbidden, Invalid
from pillar_service.core.meeseeks import parameters
from pillar_service.core.meeseeks.catalogue import LONGEST_S, Limits
from pillar_service.core.meeseeks.parameters import Parameter
from pillar_service.core.meeseeks.runs import Function

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)
FUNCTION = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
SOURCE = re.compile(r"salt://[A-Za-z0-9_][A-Za-z0-9_./-]{0,400}", re.ASCII)

USER = "nobody"
"""The user of a command that names none."""


@dataclass(frozen=True)
class Script:
    """A file on the master (``salt://…``) and the argument list of its interpreter; without one the file itself is run.

    If it has a ``sha256``, only a file with that hash is run.
    """

    source: str
    interpreter: tuple[str, ...] = ()
    sha256: str | None = None


@dataclass(frozen=True)
class Entry:
    """A command as this node runs it: an argument list (following the script's path, if it has a script) or a function."""

    name: str
    argv: tuple[str, ...] = ()
    script: Script | None = None
    function: Function | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    user: str = USER
    timeout_s: int = 60
    limits: Limits = field(default_factory=Limits)
    redact: tuple[re.Pattern[str], ...] = ()
    concurrency: int | None = None


def entry(commands: Mapping[str, Any], name: object) -> Entry:
    """The command of that name; raises Forbidden if the pillar does not have it, Invalid if its entry is malformed."""
    if not isinstance(name, str) or not NAME.fullmatch(name) or name not in commands:
        raise Forbidden(f"This node's pillar names no command {names.shown(name)}, so it can't run here.")
    try:
        return _read(name, commands[name])
    except (AttributeError, KeyError, TypeError, ValueError, re.error) as error:
        raise Invalid(
            f"The pillar's entry for the command {name} makes no sense: {names.shown(str(error))}."
        ) from error


def _read(name: str, told: Mapping[str, Any]) -> Entry:
    found = Entry(
        name,
        argv=_texts(told.get("argv")),
        script=_script(told.get("script")),
        function=_function(told),
        parameters={key: parameters.read(key, one) for key, one in (told.get("parameters") or {}).items()},
        user=told.get("user") or USER,
        timeout_s=names.whole_number(told.get("timeout_s", 60), "timeout in seconds", 1, LONGEST_S),
        limits=_limits(told.get("limits") or {}),
        redact=tuple(re.compile(one) for one in (told.get("output") or {}).get("redact") or ()),
        concurrency=told.get("concurrency"),
    )
    if (found.function is None) == (not found.argv and found.script is None):
        raise ValueError("it must have a function, or an argument list or script")
    return found


def _texts(told: object) -> tuple[str, ...]:
    if told is None:
        return ()
    if isinstance(told, str) and told:
        return (told,)
    if isinstance(told, list) and all(isinstance(one, str) for one in told):
        return tuple(told)
    raise ValueError("an argument list must be a list of texts")


def _matching(pattern: re.Pattern[str], told: object) -> str | None:
    if told is None or (isinstance(told, str) and pattern.fullmatch(told)):
        return told
    raise ValueError(f"{names.shown(told)} is not allowed there")


def _function(told: Mapping[str, Any]) -> Function | None:
    name = _matching(FUNCTION, told.get("function"))
    return (
        None if name is None else Function(name, tuple(told.get("arguments") or ()), dict(told.get("keywords") or {}))
    )


def _script(told: Mapping[str, Any] | None) -> Script | None:
    source = _matching(SOURCE, told["source"]) if told else None
    if not told or source is None:
        return None
    if ".." in source:
        raise ValueError("the script's path has '..' in it")
    return Script(source, _texts(told.get("interpreter")), _matching(SHA256, told.get("sha256")))


def _limits(told: Mapping[str, Any]) -> Limits:
    known = {key: value for key, value in told.items() if value is not None}
    return Limits(**{key: names.whole_number(value, key, 1, 1 << 30) for key, value in known.items()})
