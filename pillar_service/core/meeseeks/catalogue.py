"""The catalogue: which commands chat offers, what each takes, what it runs and where, and what it requires."""

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pillar_service.core import names
from pillar_service.core.chat.personas import Moment
from pillar_service.core.errors import Invalid, NotFound
from pillar_service.core.jobs.commands import applies_states
from pillar_service.core.jobs.jobs import LOW, NORMAL, URGENT
from pillar_service.core.meeseeks import parameters
from pillar_service.core.meeseeks.parameters import Kind, Parameter
from pillar_service.core.meeseeks.runs import Action, Arguments, Function, Runner, Runs, Script, Where
from pillar_service.core.nodes.selectors import EVERYTHING, Selector

__all__ = ["Action", "Arguments", "Function", "Runner", "Runs", "Script", "Where"]

BUILT_IN = (
    *("help", "jobs", "job", "last", "logs", "tail", "head", "cancel", "kill", "repeat", "alias", "unalias", "aliases"),
    *("whoami", "version", "audit", "token", "tokens", "2fa", "commands", "run", "can", "reload", "yes", "no"),
)
"""Commands that the bot answers itself; no command of the catalogue may have one of these names."""

PRIVILEGES = {
    "meeseeks.jobs": "see other people's jobs and their lines",
    "meeseeks.cancel": "cancel other people's jobs",
    "meeseeks.kill": "kill other people's jobs",
    "meeseeks.audit": "read the audit",
    "meeseeks.tokens": "see and revoke other people's tokens",
    "meeseeks.reset": "reset somebody's second factor, and end that a chat user is an account",
    "meeseeks.reload": "read the catalogue's files anew",
}
"""What a role may be granted besides commands. `*` never covers these, but `meeseeks.*` does."""

PRIORITIES = {"urgent": URGENT, "normal": NORMAL, "low": LOW}

PREVIEW = ".preview"
"""The end of the name of the command that a `preview: test` makes."""


@dataclass(frozen=True)
class Approval:
    """``count`` other people with a role must say yes within ``minutes``."""

    role: str
    count: int = 1
    minutes: int = 30


@dataclass(frozen=True)
class Requires:
    """What must happen before a job runs."""

    confirm: bool = False
    otp: bool = False
    approval: Approval | None = None

    def __bool__(self) -> bool:
        return self.confirm or self.otp or self.approval is not None


@dataclass(frozen=True)
class Output:
    """Who sees the output (``private``: only the asker), whether it is always a ``file``, and patterns to remove from it."""

    private: bool = False
    file: bool = False
    redact: tuple[str, ...] = ()


LONGEST_S = 86_400
"""How long a command may run at most, in seconds."""


@dataclass(frozen=True)
class Limits:
    """What a command's processes may use on a node: MiB of memory, seconds of CPU time, processes, MiB of a file."""

    memory_mb: int = 512
    cpu_s: int = 300
    processes: int = 64
    file_mb: int = 100


@dataclass(frozen=True)
class Command:
    """One command of the catalogue.

    ``selector`` and ``needs`` (capacities) say which nodes can run it; ``concurrency`` is how many of it run at once on
    all nodes together. ``governor`` is a lease that it also needs on its node. ``preview`` is the command whose output
    is shown before the confirmation. ``messages`` replace the persona's sentences. ``user`` is the user that runs it on
    the node.
    """

    name: str
    summary: str
    runs: Runs
    help: str = ""
    examples: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    where: Where = Where.ONE
    selector: Selector = EVERYTHING
    needs: tuple[str, ...] = ()
    timeout_s: int = 60
    concurrency: int = 10
    governor: str | None = None
    retry_safe: bool = False
    requires: Requires = Requires()
    preview: str | None = None
    messages: Mapping[Moment, tuple[str, ...]] = field(default_factory=dict)
    output: Output = Output()
    limits: Limits = Limits()
    user: str = "nobody"
    priority: int = NORMAL
    hidden: bool = False

    @property
    def named(self) -> dict[str, Parameter]:
        """The parameters by name, in their order."""
        return {parameter.name: parameter for parameter in self.parameters}

    @property
    def flags(self) -> frozenset[str]:
        """The parameters that can be set by name alone, which means yes: `--force`."""
        return frozenset(parameter.name for parameter in self.parameters if parameter.kind is Kind.BOOL)

    @property
    def secrets(self) -> frozenset[str]:
        """The parameters whose arguments are never shown, nor stored as they are."""
        return frozenset(parameter.name for parameter in self.parameters if parameter.secret)

    @property
    def capacities(self) -> frozenset[str]:
        """What a node must have to run it: what it needs, and its script's interpreter."""
        interpreter = {self.runs.interpreter} if isinstance(self.runs, Script) else set()
        return frozenset(self.needs) | interpreter

    @property
    def converges(self) -> bool:
        """Whether it applies states on its nodes."""
        return isinstance(self.runs, Function) and applies_states(self.runs.name)

    @cached_property
    def digest(self) -> str:
        """A hash of all that a node would run for this command. Somebody's yes is only valid for this digest."""
        return hashlib.sha256(json.dumps(_entry(self), sort_keys=True).encode()).hexdigest()

    @property
    def usage(self) -> str:
        """How to type it: `restart-bot BOT [note=…]`."""
        open_to_all = [parameter for parameter in self.parameters if not parameter.immutable]
        shown = (one.name.upper() if one.required else f"[{one.name}=…]" for one in open_to_all)
        return " ".join((self.name, *shown))

    def bound(self, positional: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
        """The typed arguments by parameter; positional ones fill the rest in order. Raises Invalid if there are too many."""
        free = [one.name for one in self.parameters if not one.immutable and one.name not in named]
        if len(positional) > len(free):
            extra = "This" if self.secrets else names.shown(positional[len(free)])  # it may be part of the secret
            raise Invalid(f"{extra} is one argument too many: write {self.usage}.")
        return {**dict(zip(free, positional, strict=False)), **named}

    def checked(self, given: Mapping[str, object]) -> dict[str, Any]:
        """Every argument, checked and with defaults (None: not given); raises Invalid for an unknown or invalid one."""
        known = self.named
        for name in sorted(set(given) - set(known), key=str):
            unknown = "of that name" if self.secrets else names.shown(name)
            raise Invalid(f"{self.name} takes no argument {unknown}: write {self.usage}.")
        return {name: parameter.checked(given.get(name)) for name, parameter in known.items()}

    def runs_on(self, labels: Mapping[str, str]) -> bool:
        """Whether a job of it may run on a node with these labels, whatever its capacities."""
        return self.where is not Where.NONE and self.selector.matches(labels)


@dataclass(frozen=True)
class Catalogue:
    """All commands, by name."""

    commands: Mapping[str, Command]

    def command(self, name: object) -> Command:
        """The command of that name; raises NotFound for an unknown one, with the most similar name."""
        if isinstance(name, str) and name in self.commands:
            return self.commands[name]
        near = difflib.get_close_matches(name[:40], self.listed(), 1) if isinstance(name, str) else []
        raise NotFound(
            f"There is no command {names.shown(name)}" + (f"; did you mean {near[0]}?" if near else "; ask for 'help'.")
        )

    def listed(self) -> list[str]:
        """The names that help shows, sorted."""
        return sorted(command.name for command in self.commands.values() if not command.hidden)

    def flags(self, name: str) -> frozenset[str]:
        """The flags of a command; none if it is unknown."""
        return self.commands[name].flags if name in self.commands else frozenset()

    def secretive(self, line: Sequence[str]) -> str | None:
        """The command in a line (its words) that takes a secret; None if there is none.

        It is looked for in the first word; if that is one of the bot's own commands, which may take a whole line as
        arguments (`token log-in password=…`), then in all words.
        """
        known = line if line and line[0].lower() in BUILT_IN else line[:1]
        words = " ".join(known).lower().split()  # split quoted text, too: a malformed line may contain a secret
        return next((word for word in words if word in self.commands and self.commands[word].secrets), None)

    def preview(self, command: Command) -> Command | None:
        """The command whose output is shown before this one is confirmed."""
        return self.commands[command.preview] if command.preview else None


def for_node(known: Catalogue, labels: Mapping[str, str]) -> dict[str, Any]:
    """The commands in a node's pillar: only those of which a job may run there, without what only the service needs."""
    return {
        command.name: _entry(command)
        for command in sorted(known.commands.values(), key=lambda one: one.name)
        if isinstance(command.runs, Script | Arguments | Function) and command.runs_on(labels)
    }


def _entry(command: Command) -> dict[str, Any]:
    what, limits = command.runs, command.limits
    return {
        "argv": list(what.argv) if isinstance(what, Script | Arguments) else [],
        "script": _script(what) if isinstance(what, Script) else None,
        "function": what.name if isinstance(what, Function) else None,
        "arguments": list(what.arguments) if isinstance(what, Function) else [],
        "keywords": dict(what.keywords) if isinstance(what, Function) else {},
        "parameters": {parameter.name: parameters.told(parameter) for parameter in command.parameters},
        "user": command.user,
        "timeout_s": command.timeout_s,
        "limits": {name: getattr(limits, name) for name in ("memory_mb", "cpu_s", "processes", "file_mb")},
        "output": {"redact": list(command.output.redact)},
        "concurrency": command.concurrency,
    }


def _script(what: Script) -> dict[str, str]:
    told = {"source": what.source, "interpreter": what.interpreter}
    return told if what.sha256 is None else {**told, "sha256": what.sha256}
