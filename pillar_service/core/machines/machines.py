"""Machines: state machines that a node runs by itself, with nobody's help. What one is made of.

`machine_files.py` makes them from files, `machine_words.py` says which words a file may have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Each(StrEnum):
    """What there is one of a machine for."""

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
"""What may take its time, and may have happened half when the node dies."""

GOVERNED = frozenset({Deed.EXEC, Deed.RESTART})
"""What may need a governor."""


class Event(StrEnum):
    """Types of what a machine tells the service."""

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
"""What a look of each kind tells, by the names that expressions use."""

PLACES: Mapping[Each, tuple[str, ...]] = {
    Each.NODE: ("node", "data", "checks", "python", "service"),
    Each.BOT: ("node", "data", "checks", "python", "service", "bot", "container"),
}
"""What `{…}` in a word may be, beside what the machine remembers."""

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
    """Something that is done on a transition: ``what`` depends on the deed; the two events tell how it ended.

    It is done under a lease of its ``governor``, if it names one (issue 4).
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
        """How history calls it."""
        return f"{self.deed} {self.what[0]}" if self.deed is Deed.EXEC else str(self.deed)


@dataclass(frozen=True)
class State:
    """A state: what is done on entering and on leaving it."""

    name: str
    enter: tuple[Action, ...] = ()
    leave: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Transition:
    """From some states, on an event, to a state, if an expression holds; the first in the file that fits is taken."""

    on: str
    sources: tuple[str, ...]
    target: str
    condition: str | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Watcher:
    """Looks every so often, in some states; fires its event while what it sees has held for long enough."""

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
    """A machine as its file says it."""

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
        """The events that some transition takes."""
        return frozenset(one.on for one in self.transitions)

    def actions(self, transition: Transition, source: str) -> tuple[Action, ...]:
        """What is done on a transition, in order: leaving, on the way, entering."""
        return (*self.states[source].leave, *transition.actions, *self.states[transition.target].enter)
