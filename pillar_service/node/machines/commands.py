"""Runs a machine's command: an argument list, never a shell, with a time limit; what it leaves running is killed."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pillar_service.core.errors import Failed
from pillar_service.node.executor import people, processes

OUTPUT = 4096
"""Bytes of output that are kept."""

AFTER_S = 1.0
"""Seconds for which output is still read after the command has ended, from processes that it started."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    output: str
    timed_out: bool
    seconds: float


def run(argv: Sequence[str], timeout_s: float, user: str = "root") -> Ended:
    """Run a command to its end or time limit; raises Invalid for an unknown user, Failed if it can't be started."""
    who = people.person(user) if user != "root" or os.geteuid() == 0 else None
    began = time.monotonic()
    try:
        with _started(argv, who) as process:
            try:
                said = _heard(process, began + timeout_s)
                timed_out = process.poll() is None
            finally:
                _end(process)
    except OSError as error:
        raise Failed(f"{argv[0]} could not be started ({error.strerror}).") from error
    except ValueError as error:  # a placeholder was filled with a NUL or a lone surrogate
        raise Failed(
            f"{argv[0]!a} could not be started: one of its words has a character that can't be passed to a command."
        ) from error
    code = process.returncode
    seconds = round(time.monotonic() - began, 3)
    return Ended(128 - code if code < 0 else code, said.decode(errors="replace").strip(), timed_out, seconds)


def _started(argv: Sequence[str], who: people.Person | None) -> subprocess.Popen[bytes]:
    """Start it as ``who``; None means the current user, who is not root and can't become anybody else."""
    return subprocess.Popen(  # noqa: S603  (an argument list)
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        cwd="/",
        env=people.environment(who, "/tmp", {}, {}) if who else {"PATH": people.PATH, "LANG": "C.UTF-8"},  # noqa: S108
        **({"user": who.uid, "group": who.gid, "extra_groups": list(who.groups), "umask": 0o077} if who else {}),
    )


def _heard(process: subprocess.Popen[bytes], until: float) -> bytes:
    said, over = b"", None
    assert process.stdout
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < (until if over is None else min(until, over)):
            if selector.select(0.05):
                chunk = os.read(process.stdout.fileno(), 65_536)
                if not chunk:
                    break
                said = (said + chunk)[:OUTPUT]
            if over is None and process.poll() is not None:
                over = time.monotonic() + AFTER_S
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, until - time.monotonic()))
    return said


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the command, its process group, and all its descendants that can be found."""
    below = processes.descendants(process.pid) if process.poll() is None else []
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for one in below:
        processes.send(one, signal.SIGKILL)
    process.wait()
