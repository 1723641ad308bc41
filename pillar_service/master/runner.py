"""A runner in a process of its own, as the dispatcher starts it: `python -m pillar_service.master.runner CONF JID NAME`.

The process survives a dispatcher that is killed, and stores its result in the master's job cache, where the next dispatcher
finds it. Its arguments come as a JSON object on standard input, because everybody can read a command line. It leads a
session of its own; by its command line it is found again, and ended with all that it started.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import salt.config
import salt.runner

USER = "saltcellar"
"""The user that Salt is told; the job says who really asked."""

GRACE_S = 2.0
"""How long a runner may take to end after SIGTERM, in seconds."""


def start(opts: Mapping[str, Any], name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], jid: str) -> None:
    """Starts a runner under the given jid; raises OSError."""
    process = subprocess.Popen(  # noqa: S603  (our own module; nothing that varies can be an option)
        [sys.executable, "-m", __name__, str(opts["conf_file"]), jid, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(json.dumps({"arg": list(arguments), "kwarg": dict(keywords)}).encode())


def running(opts: Mapping[str, Any]) -> dict[str, set[int]]:
    """The sessions of all running runners of this master, by jid, whichever of its dispatchers started them."""
    found: dict[str, set[int]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        # A process that ends meanwhile has no file and no session.
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if words[1:4] == ["-m", __name__, str(opts["conf_file"])] and process.stat().st_uid == os.getuid():
                found.setdefault(words[4], set()).add(os.getsid(int(process.name)))
    return found


def end(opts: Mapping[str, Any], jid: str, force: bool = False) -> bool:
    """Ends the runner with that jid and what it started, with SIGTERM, then SIGKILL, or (``force``) SIGKILL at once.

    Returns whether it was running.
    """
    sessions = running(opts).get(jid, set())
    for session in sessions:
        _end(session, 0.0 if force else GRACE_S)
    return bool(sessions)


def _end(session: int, grace_s: float) -> None:
    # The leader of a session also leads a process group with the same id, which holds what it started.
    until = time.monotonic() + grace_s
    with contextlib.suppress(ProcessLookupError):
        if grace_s:
            os.killpg(session, signal.SIGTERM)
        while time.monotonic() < until:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(session, os.WNOHANG)
            os.killpg(session, 0)
            time.sleep(0.05)
        os.killpg(session, signal.SIGKILL)


def main(conf: str, jid: str, name: str) -> None:
    """Runs the runner ``name`` to its end, with the arguments on standard input."""
    opts = salt.config.master_config(conf)
    low = {"fun": name, **json.load(sys.stdin), "__jid__": jid, "__user__": USER}
    salt.runner.RunnerClient(opts).low(name, low, print_event=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
