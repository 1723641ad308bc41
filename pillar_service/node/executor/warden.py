"""The warden: a process between the minion and a command, which makes sure that all of the command's processes end.

It is a subreaper: whatever a command starts, even in another session or after a double fork, stays among its descendants
and can be found. It holds the run's lock and lives as long as any of them. It ends them when the time is up, when it is
told to (SIGTERM: with a grace period; SIGUSR1: at once), or when the minion's process dies.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from pillar_service.node.executor import processes
from pillar_service.node.executor.cage import Cage
from pillar_service.node.executor.child import PR_SET_CHILD_SUBREAPER, die_with, prctl

GRACE_S = 5.0
"""Seconds between SIGTERM and SIGKILL."""

STUCK_S = 20.0
"""Seconds for which SIGKILL is repeated; a process that outlives them hangs in the kernel."""

IN_PEACE, AT_ONCE = signal.SIGTERM, signal.SIGUSR1
WATCHED = {IN_PEACE, AT_ONCE, signal.SIGCHLD}

First = Callable[[Cage], NoReturn]
"""What the command's first process does."""


class Pipes:
    """The pipes for a command's output, its error output, and its warden's report."""

    def __init__(self) -> None:
        (self.stdout, self._stdout), (self.stderr, self._stderr) = os.pipe(), os.pipe()
        self.report, self._report = os.pipe()

    def close(self) -> None:
        """Close the ends that the minion reads."""
        for end in (self.stdout, self.stderr, self.report):
            os.close(end)

    def keep_ours(self) -> None:
        """Close the ends that the command and the warden write to."""
        for end in (self._stdout, self._stderr, self._report):
            os.close(end)

    def keep_theirs(self) -> int:
        """Close the minion's ends and make the command's the standard streams; returns the report's descriptor."""
        self.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for end, place in ((nothing, 0), (self._stdout, 1), (self._stderr, 2)):
            os.dup2(end, place)
            os.close(end)
        return self._report


def start(first: First, timeout_s: float, cage: Cage, pipes: Pipes) -> int:
    """Start a command under a warden; returns the warden's process id.

    The report is one JSON object: ``why`` (None, "timed_out" or "killed"), ``exit_code``, ``signal``, and ``left``: how
    many processes could not be ended.
    """
    minion = os.getpid()
    warden = os.fork()
    if warden:
        pipes.keep_ours()
        return warden
    try:
        os.setsid()
        report = pipes.keep_theirs()
        told = Warden(first, timeout_s, cage, report).run(minion)
        os.write(report, json.dumps(told).encode())
    finally:
        os._exit(0)


class Warden:
    """Watches one command, in a process of its own."""

    def __init__(self, first: First, timeout_s: float, cage: Cage, report: int) -> None:
        self._first, self._cage, self._report = first, cage, report
        self._until = time.monotonic() + timeout_s
        self._status: int | None = None
        self._why: str | None = None
        self._at_once = False

    def run(self, minion: int) -> dict[str, Any]:
        """Run the command until all its processes have ended; returns the report."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, WATCHED)
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        die_with(minion, IN_PEACE)
        self._leader = os.fork()
        if self._leader == 0:
            self._begin()
        while self._reap() and self._status is None and self._why is None:
            self._wait(self._until)
            if time.monotonic() >= self._until:
                self._why = "timed_out"
        self._end()
        self._cage.remove()
        return {"why": self._why, **_ended(self._status), "left": len(processes.descendants(os.getpid()))}

    def _begin(self) -> NoReturn:
        # This is already the command's own process: no other descriptor may stay open in it.
        os.close(self._report)
        os.setsid()
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            with suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        self._first(self._cage)

    def _wait(self, until: float) -> None:
        """Wait for a signal, for half a second at most."""
        left = max(0.0, min(0.5, until - time.monotonic()))
        got = signal.sigtimedwait(WATCHED, left)
        if got is None or got.si_signo == signal.SIGCHLD:
            return
        self._why = self._why or "killed"
        self._at_once = self._at_once or got.si_signo == AT_ONCE

    def _reap(self) -> bool:
        """Reap the processes that have ended; False when none is left."""
        try:
            while (found := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                if found[0] == self._leader:
                    self._status = found[1]
        except ChildProcessError:
            return False
        return True

    def _end(self) -> None:
        """End all processes: SIGTERM, unless it is to be at once, then SIGKILL."""
        until = time.monotonic() + GRACE_S
        for process in [] if self._at_once else processes.descendants(os.getpid()):
            processes.send(process, signal.SIGTERM)
        while self._reap() and time.monotonic() < until and not self._at_once:
            self._wait(until)
        until = time.monotonic() + STUCK_S
        while self._reap() and time.monotonic() < until:
            self._kill()
            time.sleep(0.01)

    def _kill(self) -> None:
        # A stopped process can't fork, but still counts against the limit of processes: so the others can't fork for ever.
        seen: set[processes.Process] = set()
        while fresh := set(processes.descendants(os.getpid())) - seen:
            seen |= fresh
            for process in fresh:
                processes.send(process, signal.SIGSTOP)
        for process in seen:
            processes.send(process, signal.SIGKILL)
        self._cage.kill()


def _ended(status: int | None) -> dict[str, int | None]:
    if status is None:
        return {"exit_code": None, "signal": None}
    if os.WIFSIGNALED(status):
        return {"exit_code": 128 + os.WTERMSIG(status), "signal": os.WTERMSIG(status)}
    return {"exit_code": os.WEXITSTATUS(status), "signal": None}
