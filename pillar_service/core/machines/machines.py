"""Machines: state machines that a node runs by itself, without any help, and what they consist of.

`machine_files.py` makes them from files; `machine_words.py` says which words a file may contain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Each(StrEnum):
    """What there is one instance of a machine for."""

    NODE = "node"
    BOT = "bot"


class Kind(StrEnum):
    """What a watcher looks at."""

    EXEC = "exec"
    CONTAINER = "container"
    HTTP = "http"
    FILE = "file"
    METRIC = "metric"
    KV = "kv"
    EXPRESSION = "expression"
    SCHEDULE = "schedule"
    TIMER = "timer"


class Deed(StrEnum):
    """What an action does."""

    EXEC = "exec"
    RESTART = "restart"
    SET = "set"
    CONFIGURE = "configure"
    SAY = "say"
    SHOUT = "shout"


SLOW = frozenset({Deed.EXEC, Deed.RESTART, Deed.CONFIGURE})
"""Deeds that may take long, and may be half done when the node dies."""

GOVERNED = frozenset({Deed.EXEC, Deed.RESTART})
"""Deeds that may need a governor."""


class Event(StrEnum):
    """Types of the events that a machine sends to the service."""

    TRANSITION = "nz.butt.saltcellar.machine.transition"
    ACTION = "nz.butt.saltcellar.machine.action"
    GAVE_UP = "nz.butt.saltcellar.machine.gave-up"
    BROKEN = "nz.butt.saltcellar.machine.broken"


OBSERVED: Mapping[Kind, tuple[str, ...]] = {
    Kind.EXEC: ("exit_code", "output", "timed_out", "seconds"),
    Kind.CONTAINER: (
        "exists",
        "status",
        "running",
        "health",
        "stopped",
        "restarts",
        "restarts_lately",
        "out_of_memory",
        "exit_code",
        "uptime_s",
    ),
    Kind.HTTP: ("status", "answers", "seconds", "text"),
    Kind.FILE: ("exists", "size_bytes", "age_s", "changed", "first"),
    Kind.METRIC: ("value",),
    Kind.KV: ("exists", "value", "changed", "first"),
    Kind.EXPRESSION: (),
    Kind.SCHEDULE: (),
    Kind.TIMER: (),
}
"""What a look of each kind of watcher yields, by the names that expressions use."""

PLACES: Mapping[Each, tuple[str, ...]] = {
    Each.NODE: ("node", "data", "checks", "python", "service"),
    Each.BOT: ("node", "data", "checks", "python", "service", "bot", "container"),
}
"""The names that may stand in `{…}`, besides those in the machine's memory."""

NUMBERS: Mapping[str, str] = {
    "load": "the load of the last minute, for each processor",
    "memory_free_percent": "memory that can be had, in percent",
    "disk_free_percent": "room on the disk that holds `path`, in percent",
    "disk_free_bytes": "the same in bytes",
    "inodes_free_percent": "room for files there, in percent",
}
"""What a metric watcher can measure."""


@dataclass(frozen=True)
class Action:
    """Something that is done on a transition: ``what`` depends on the deed; ``done`` and ``failed`` are events for its end.

    If it names a ``governor``, it is done while holding a lease of it (issue 4).
    """

    deed: Deed
    what: Any
    timeout_s: int = 60
    user: str = "root"
    done: str | None = None
    failed: str | None = None
    governor: str | None = None

    @property
    def label(self) -> str:
        """Its name in the history."""
        return f"{self.deed} {self.what[0]}" if self.deed is Deed.EXEC else str(self.deed)


@dataclass(frozen=True)
class State:
    """A state: what is done on entering and on leaving it."""

    name: str
    enter: tuple[Action, ...] = ()
    leave: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Transition:
    """From some states, on an event, to a state, if a condition holds; the first one in the file that fits is taken."""

    on: str
    sources: tuple[str, ...]
    target: str
    condition: str | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Watcher:
    """Looks every ``every_s`` seconds while in certain states; fires its event once its condition has held for ``hold_s``."""

    name: str
    kind: Kind
    fires: str
    states: frozenset[str]
    every_s: int
    hold_s: int = 0
    when: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Machine:
    """A machine as its file describes it."""

    name: str
    about: str
    each: Each
    initial: str
    memory: Mapping[str, Any]
    states: Mapping[str, State]
    transitions: tuple[Transition, ...]
    watchers: Mapping[str, Watcher]

    @property
    def events(self) -> frozenset[str]:
        """The events that at least one transition takes."""
        return frozenset(one.on for one in self.transitions)

    def actions(self, transition: Transition, source: str) -> tuple[Action, ...]:
        """What is done on a transition, in order: on leaving, on the way, on entering."""
        return (*self.states[source].leave, *transition.actions, *self.states[transition.target].enter)
