"""One server takes over from another: it inherits the listening socket, so that nobody is ever turned away.

SIGUSR2 lets gunicorn start its successor beside it. The successor ends the one before once it serves itself; that one answers
what it has begun, and what still comes on its connections, and goes. A successor that can't start leaves it alone.
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
"""What gunicorn tells a successor: the process id of the one before."""

EVERY_S = 0.1
ASK_AGAIN_S = 2.0
"""A server that has only just taken over ignores the signal: after this time it is sent again."""

START_S = 120.0
"""How long a successor may take until it serves; a migration of a large database takes its time."""


log = logging.getLogger(__name__)


def prepare() -> None:
    """To be called first in a process that serves: it can be started again just as it was, and leads its own group."""
    # Gunicorn starts a successor with sys.argv, where Python has put the path of a file for `-m pillar_service.web`.
    sys.argv[:] = sys.orig_argv[1:]
    if PREDECESSOR in os.environ:
        os.setpgid(0, 0)  # who ends the one before with all its children must not mean this one


def begin_by(launcher: str, server: Arbiter) -> None:
    """Let the successor that ``server`` is about to become be started by a program: with another Python, and other settings."""
    server.START_CTX[0] = server.START_CTX["args"][0] = launcher


def hand_over(server: Arbiter) -> None:
    """To be called at a server's end: systemd hears from it, the one that it knows, who serves on."""
    if server.reexec_pid:
        systemd.sd_notify(f"MAINPID={server.reexec_pid}", log)


def end_the_one_before() -> None:
    """To be called by a worker that can serve. Twice does no harm."""
    # Once the one before is gone, gunicorn takes this out of the environment.
    before = os.environ.get(PREDECESSOR)
    if before and os.getppid() in _children(int(before)):
        os.kill(int(before), signal.SIGTERM)


def restart(pid: int) -> int:
    """Let the server ``pid`` be followed by a new one, and return its process id once the old one is gone.

    Raises NotFound without such a server, Failed when the new one does not start: the old one goes on then.
    """
    if not _is_server(pid):
        raise NotFound(f"There is no server with the process id {pid}: start one.")
    successor = _started(pid)
    ends = time.monotonic() + START_S
    while _lives(pid):
        if not _lives(successor):
            raise Failed("The new server did not start, and the old one serves on: its log says why.")
        if time.monotonic() > ends:
            os.kill(successor, signal.SIGTERM)
            raise Failed(f"The new server did not serve within {START_S:g} s and was ended: the old one serves on.")
        time.sleep(EVERY_S)
    return successor


def _started(pid: int) -> int:
    for attempt in range(int(5 * ASK_AGAIN_S / EVERY_S)):
        if attempt % int(ASK_AGAIN_S / EVERY_S) == 0:
            os.kill(pid, signal.SIGUSR2)
        time.sleep(EVERY_S)
        for child in _children(pid):
            with suppress(ProcessLookupError):
                if os.getpgid(child) == child:  # see `prepare`; workers stay in their server's group
                    return child
    raise Failed(f"The server {pid} starts no successor: its log says why. It serves on.")


def _is_server(pid: int) -> bool:
    # With setproctitle (Salt brings it) gunicorn names itself after us, without it the command line stays.
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
