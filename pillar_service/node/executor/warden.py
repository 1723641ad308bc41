"""The warden: a process between the minion and a command that sees to it that all of the command's processes end.

It is a subreaper: whatever a command starts, in a session of its own or twice removed, stays below it and is found. It
lives as long as one of them does, holds the run's lock, and ends them when time is up, when it is told to (SIGTERM: in
peace; SIGUSR1: at once), or when the minion's process dies.
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
"""How long processes have between SIGTERM and SIGKILL."""

STUCK_S = 20.0
"""How long SIGKILL is repeated; what lives on then hangs in the kernel."""

IN_PEACE, AT_ONCE = signal.SIGTERM, signal.SIGUSR1
WATCHED = {IN_PEACE, AT_ONCE, signal.SIGCHLD}

First = Callable[[Cage], NoReturn]
"""What the command's first process does."""


class Pipes:
    """The pipes of a command: what it says, what it complains of, and what its warden reports."""

    def __init__(self) -> None:
        (self.stdout, self._stdout), (self.stderr, self._stderr) = os.pipe(), os.pipe()
        self.report, self._report = os.pipe()

    def close(self) -> None:
        """Close our ends."""
        for end in (self.stdout, self.stderr, self.report):
            os.close(end)

    def keep_ours(self) -> None:
        """Close the ends that are the command's and the warden's."""
        for end in (self._stdout, self._stderr, self._report):
            os.close(end)

    def keep_theirs(self) -> int:
        """Make them the standard ones; returns the descriptor for the report."""
        self.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for end, place in ((nothing, 0), (self._stdout, 1), (self._stderr, 2)):
            os.dup2(end, place)
            os.close(end)
        return self._report


def start(first: First, timeout_s: float, cage: Cage, pipes: Pipes) -> int:
    """Start a command under a warden; returns the warden's process id. Its report is one JSON object:

    ``why`` (None, "timed_out" or "killed"), ``exit_code``, ``signal``, and ``left``: how many would not die.
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
    """Watches over one command, in a process of its own."""

    def __init__(self, first: First, timeout_s: float, cage: Cage, report: int) -> None:
        self._first, self._cage, self._report = first, cage, report
        self._until = time.monotonic() + timeout_s
        self._status: int | None = None
        self._why: str | None = None
        self._at_once = False

    def run(self, minion: int) -> dict[str, Any]:
        """Run the command to its end; the report."""
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
        # All in here is the command's own process already, and nobody else's descriptor may be in it.
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
        """Take leave of those that have ended; False when nobody is left."""
        try:
            while (found := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                if found[0] == self._leader:
                    self._status = found[1]
        except ChildProcessError:
            return False
        return True

    def _end(self) -> None:
        """See all of them off."""
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
        # Who is stopped can't make others, and holds its place among the many that are allowed: so the rest run out.
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
