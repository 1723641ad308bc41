"""What a command runs, and on how many nodes. The texts in an argument list are templates (templates.py)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pillar_service.core.meeseeks import templates

EXECUTOR = "meeseeks.run"
"""The Salt function that runs a command of the catalogue on a node: it asks the service before it begins, and keeps its
outcome there."""

STOP_RUNNER = "stop-runner"
"""A name that no function has: the master's dispatcher itself ends the runner with the jid given as argument."""


class Where(StrEnum):
    """On how many of the matching nodes a command runs."""

    NONE = "none"
    ONE = "one"
    ANY = "any"
    ALL = "all"


@dataclass(frozen=True)
class Script:
    """A file of the master (`salt://…`), run by an interpreter with arguments (templates).

    If it has a ``sha256`` (hexadecimal), only a file with that hash is run.
    """

    source: str
    interpreter: str
    argv: tuple[str, ...] = ()
    sha256: str | None = None


@dataclass(frozen=True)
class Arguments:
    """A program and its arguments (templates); never a shell."""

    argv: tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """An execution function of Salt. Texts among its arguments are templates; `"{lines}"` alone keeps the argument's type."""

    name: str
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Runner:
    """A runner of Salt, on the master; its arguments work like a function's."""

    name: str
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """A command of a bot (`bots.restart`, core/jobs/commands.py), asked of the bot in the parameter `bot`."""

    command: str


Runs = Script | Arguments | Function | Runner | Action


def argv(runs: Runs, arguments: Mapping[str, Any]) -> list[str]:
    """The arguments of a script (without the script itself) or of a program; empty for anything else."""
    return templates.words(runs.argv, arguments) if isinstance(runs, Script | Arguments) else []


def call(runs: Function | Runner, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments and keywords for Salt; those whose argument was not given are left out."""
    filled = [templates.value(one, arguments) for one in runs.arguments]
    keywords = {name: templates.value(one, arguments) for name, one in runs.keywords.items()}
    return [one for one in filled if one is not None], {key: one for key, one in keywords.items() if one is not None}


def templates_of(runs: Runs) -> Iterator[str]:
    """Every template in what a command runs."""
    if isinstance(runs, Script | Arguments):
        yield from runs.argv
    elif isinstance(runs, Function | Runner):
        yield from (one for one in (*runs.arguments, *runs.keywords.values()) if isinstance(one, str))
