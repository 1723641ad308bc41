"""Lets one server take over from another: it inherits the listening socket, so that no request is turned away.

On SIGUSR2 gunicorn starts a successor beside itself. Once the successor serves, it ends its predecessor, which still
answers what it has begun and what comes on its open connections, and then exits. If the successor can't start, the
predecessor goes on.
"""

import logging
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from gunicorn import systemd
from gunicorn.arbiter import Arbiter

from pillar_service.core.errors import Failed, NotFound

PREDECESSOR = "GUNICORN_PID"
"""The environment variable in which gunicorn tells a successor the process id of its predecessor."""

EVERY_S = 0.1
ASK_AGAIN_S = 2.0
"""After how many seconds the signal is sent again: a server that has only just taken over ignores it."""

START_S = 120.0
"""How long a successor may take until it serves, in seconds: migrating a large database takes long."""


log = logging.getLogger(__name__)


def prepare() -> None:
    """Prepare this process to serve; to be called first: it can be started again, and leads its own process group."""
    # Gunicorn starts a successor with sys.argv, in which Python has put a file's path for `-m pillar_service.web`.
    sys.argv[:] = sys.orig_argv[1:]
    if PREDECESSOR in os.environ:
        os.setpgid(0, 0)  # a signal to the predecessor's group must not reach this one


def begin_by(launcher: str, server: Arbiter) -> None:
    """Let ``launcher`` start the successor of ``server``: it may choose another Python and other settings."""
    server.START_CTX[0] = server.START_CTX["args"][0] = launcher


def hand_over(server: Arbiter) -> None:
    """Tell systemd which process serves on; to be called when a server ends: systemd hears that process alone."""
    if server.reexec_pid:
        systemd.sd_notify(f"MAINPID={server.reexec_pid}", log)


def end_the_one_before() -> None:
    """End the predecessor; to be called by a worker that can serve. More than one call does no harm."""
    # Once the predecessor is gone, gunicorn removes this variable from the environment.
    before = os.environ.get(PREDECESSOR)
    if before and os.getppid() in _children(int(before)):
        os.kill(int(before), signal.SIGTERM)


def restart(pid: int) -> int:
    """Start a successor of the server ``pid``, and return its process id once the old server is gone.

    Raises NotFound if there is no such server, Failed if the new one does not start: the old one then goes on.
    """
    if not _is_server(pid):
        raise NotFound(f"There is no server with the process id {pid}: start one.")
    successor = _started(pid)
    ends = time.monotonic() + START_S
    while _lives(pid):
        if not _lives(successor):
            raise Failed("The new server did not start, so the old one keeps serving: its log says why.")
        if time.monotonic() > ends:
            os.kill(successor, signal.SIGTERM)
            raise Failed(
                f"The new server was not ready within {START_S:g} s and was stopped: the old one keeps serving."
            )
        time.sleep(EVERY_S)
    return successor


def _started(pid: int) -> int:
    for attempt in range(int(5 * ASK_AGAIN_S / EVERY_S)):
        if attempt % int(ASK_AGAIN_S / EVERY_S) == 0:
            os.kill(pid, signal.SIGUSR2)
        time.sleep(EVERY_S)
        for child in _children(pid):
            with suppress(ProcessLookupError):
                if os.getpgid(child) == child:  # a server leads its group (see `prepare`), a worker does not
                    return child
    raise Failed(f"The server {pid} did not start a successor and keeps serving: its log says why.")


def _is_server(pid: int) -> bool:
    # With setproctitle (which Salt installs) gunicorn names its process after the app; without, the command line stays.
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        return b"gunicorn: master [saltcellar-" in words or b"\0pillar_service.web\0serve\0" in words
    return False


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
