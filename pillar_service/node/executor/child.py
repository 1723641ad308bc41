"""What a command's first process does between fork and exec: it sets its limits and changes to the command's user."""

import ctypes
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from pillar_service.node.executor import processes
from pillar_service.node.executor.cage import Cage
from pillar_service.node.executor.entries import Limits
from pillar_service.node.executor.people import Person

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
NOT_STARTED = 127
"""The exit code for a program that could not be started, as in shells."""

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int) -> None:
    """Set one of prctl(2)'s options for the calling process; raises OSError."""
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


@dataclass(frozen=True)
class Program:
    """What is run: an argument list, its environment, user, working folder and limits."""

    argv: list[str] = field(repr=False)
    environment: dict[str, str] = field(repr=False)
    who: Person
    folder: str
    limits: Limits

    def __call__(self, cage: Cage) -> NoReturn:
        """Become the program. Never returns: if it can't be started, writes why to standard error and exits with 127."""
        try:
            self._become(cage)
            os.execvpe(self.argv[0], self.argv, self.environment)  # noqa: S606  (never a shell)
        except BaseException as error:
            why = error.strerror if isinstance(error, OSError) else type(error).__name__
            os.write(2, f"The command could not be started ({why}).\n".encode())
        os._exit(NOT_STARTED)

    def _become(self, cage: Cage) -> None:
        warden, running = os.getppid(), processes.count_of(self.who.uid)
        cage.enter()
        os.chdir(self.folder)
        os.umask(0o077)
        for what, most in _resources(self.limits, running):
            lower(what, most)
        if os.geteuid() == 0:
            os.setgroups(self.who.groups)
            os.setresgid(self.who.gid, self.who.gid, self.who.gid)
            os.setresuid(self.who.uid, self.who.uid, self.who.uid)
        if self.who.uid != 0:
            prctl(PR_SET_NO_NEW_PRIVS, 1)
        die_with(warden, signal.SIGKILL)
        # Last: the lines above need this interpreter's memory. Not RLIMIT_AS: a program in Go, as Docker's client and
        # kubectl are, or on V8 reserves far more address space than it ever uses, and would not start.
        lower(resource.RLIMIT_DATA, self.limits.memory_mb << 20)


def _resources(limits: Limits, running: int) -> list[tuple[int, int]]:
    return [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, limits.file_mb << 20),
        # The kernel counts all processes of the user: those already running are not this command's.
        (resource.RLIMIT_NPROC, running + limits.processes),
    ]


def lower(what: int, most: int) -> None:
    """Lower a resource limit of the calling process; never raises the current one."""
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    # A second more for the hard CPU limit: so the first signal is SIGXCPU, which says why, and not SIGKILL.
    last = most + 1 if what == resource.RLIMIT_CPU and hard in (resource.RLIM_INFINITY, most + 1) else most
    resource.setrlimit(what, (most, last))


def die_with(parent: int, number: signal.Signals) -> None:
    """Have the calling process get this signal when its parent (a process id) dies; at once if it is dead already."""
    prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


@dataclass(frozen=True)
class Called:
    """A Python function that runs in the command's first process; ``call`` returns an exit code.

    It keeps the minion's user, and has no limit on its own memory or file size: the minion itself takes much of the
    former, and the programs it starts (a package manager, Docker's client) have needs of their own. The cage bounds its
    memory.
    """

    call: Callable[[], int]
    cpu_s: int

    def __call__(self, cage: Cage) -> NoReturn:
        """Call it. Never returns; an exception becomes one line on standard error."""
        code = 1
        try:
            cage.enter()
            lower(resource.RLIMIT_CPU, self.cpu_s)
            die_with(os.getppid(), signal.SIGKILL)
            code = self.call()
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
        os._exit(code)
