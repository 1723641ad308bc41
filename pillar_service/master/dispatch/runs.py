"""The runs that this dispatcher follows."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pillar_service.core import tracing
from pillar_service.core.meeseeks.runs import EXECUTOR

MOST_LINES = 2000
"""The most lines of one run kept while the service is away; the result has all of them anyway."""


@dataclass
class Probe:
    """A question to the node whether a run is still running: its jid, and when it was asked (monotonic seconds)."""

    jid: str
    asked: float


@dataclass
class Held:
    """A run under its jid. ``published`` is in monotonic seconds; for a run found again after a restart, it is that moment.

    Without a ``node`` it is a runner on this master. A run that was ``taken_over`` may have been published by another master.
    For a ``guarded`` run (its job and attempt), the node itself keeps the outcome; a run that ``has_begun`` there is followed
    until the service gives it up. ``missed`` counts probes in a row without an answer, ``denied`` those with the answer that
    it is not running. ``bots`` are the ids of the bots that its states' lines may belong to. ``jobs`` are those that it
    carries out, each with the request in which it was asked for, if any. ``lines`` wait to be delivered, by key; of lines
    ``delivered``, only the keys are kept.
    """

    id: str
    node: str | None
    jid: str
    timeout_s: float
    taken_over: bool = False
    guarded: tuple[str, int] | None = None
    has_begun: bool = False
    published: float = field(default_factory=time.monotonic)
    probe: Probe | None = None
    probed: float = 0.0
    missed: int = 0
    denied: int = 0
    bots: frozenset[str] = frozenset()
    jobs: dict[str, str] = field(default_factory=dict)
    lines: dict[str, dict[str, str]] = field(default_factory=dict)
    delivered: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, run: Mapping[str, Any], jid: str) -> "Held":
        """Makes one from a run as the private app gives it."""
        guarded = tuple(run["arguments"][:2]) if run["function"] == EXECUTOR else None
        return cls(
            run["id"],
            run["node"],
            jid,
            float(run["timeout_s"]),
            run["taken_over"],
            guarded,
            bots=frozenset(run["bots"]),
            jobs={job: run.get("requests", {}).get(job, "") for job in run["jobs"]},
        )

    @property
    def about(self) -> str:
        """The run's ids, for the log."""
        return f"jid={self.jid} node={self.node or 'master'} {tracing.listed(self.id, self.jobs)}"

    @property
    def metadata(self) -> dict[str, Any]:
        """What the node is told of the run, for the log there."""
        return {"saltcellar": {"run": self.id, "jobs": self.jobs}}

    @property
    def age(self) -> float:
        """Seconds since the run was published."""
        return time.monotonic() - self.published


class Runs:
    """The runs held, by jid, shared by the dispatcher's threads; ``woken`` wakes the delivery thread."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._returned: dict[str, float] = {}
        self._lock = threading.Lock()
        self.woken = threading.Event()

    def add(self, held: Held) -> None:
        """Follows one more run."""
        with self._lock:
            self._held[held.jid] = held

    def drop(self, jid: str) -> None:
        """Stops following a run."""
        with self._lock:
            self._held.pop(jid, None)
            self._returned.pop(jid, None)

    def all(self) -> list[Held]:
        """Every run held."""
        with self._lock:
            return list(self._held.values())

    def has(self, jid: str) -> bool:
        """Whether a run is held under this jid."""
        return self.find(jid) is not None

    def find(self, jid: str) -> Held | None:
        """The run held under this jid, or None."""
        with self._lock:
            return self._held.get(jid)

    def returned(self, jid: str, node: str | None) -> None:
        """Notes that a run is said to have returned; whether it has is looked up in the job cache."""
        with self._lock:
            held = self._held.get(jid)
            if held is None or held.node != node:
                return
            self._returned[jid] = time.monotonic()
        self.woken.set()

    def take_returned(self, fresh_s: float) -> list[Held]:
        """The held runs said to have returned less than ``fresh_s`` seconds ago."""
        now = time.monotonic()
        with self._lock:
            self._returned = {jid: at for jid, at in self._returned.items() if now - at < fresh_s and jid in self._held}
            return [self._held[jid] for jid in self._returned]

    def add_line(self, jid: str, node: str | None, key: str, state_id: str, text: str) -> None:
        """Keeps a line for delivery, if its state belongs to one of the run's bots; without a state id it belongs to all."""
        with self._lock:
            held = self._held.get(jid)
            if held is None or held.node != node or (state_id and state_id.partition(" ")[0] not in held.bots):
                return
            if key in held.delivered or len(held.lines) >= MOST_LINES:
                return
            held.lines[key] = {"key": key, "state_id": state_id, "text": text}
        self.woken.set()

    def lines_of(self, held: Held) -> list[dict[str, str]]:
        """A run's lines that are not delivered yet."""
        with self._lock:
            return list(held.lines.values())

    def forget_lines(self, held: Held, delivered: list[dict[str, str]]) -> None:
        """Removes lines that are delivered, and keeps their keys."""
        with self._lock:
            for line in delivered:
                held.lines.pop(line["key"], None)
                if len(held.delivered) < MOST_LINES:
                    held.delivered.add(line["key"])
