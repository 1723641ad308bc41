"""A runner in a process of its own, as the dispatcher starts it: `python -m pillar_service.master.runner CONF JID NAME`.

The process outlives a dispatcher that is killed, and files what came of it in the master's job cache, where the next
dispatcher finds it. Arguments come as a JSON object on standard input: a command line can be read by everybody. It leads a
session of its own, and is found again, and ended with all that it started, by its command line.
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
"""Who asked for it, for Salt; who really did stands in the job."""

GRACE_S = 2.0
"""How long a runner that is told to end may take to."""


def start(opts: Mapping[str, Any], name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], jid: str) -> None:
    """Starts a runner under our jid; raises OSError."""
    process = subprocess.Popen(  # noqa: S603  (our own module; what varies is no option)
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
    """The runners of this master that run, whoever of its dispatchers started them: their sessions, by their jids."""
    found: dict[str, set[int]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        # One that ends while it is looked at has no file any more, and is no session's.
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if words[1:4] == ["-m", __name__, str(opts["conf_file"])] and process.stat().st_uid == os.getuid():
                found.setdefault(words[4], set()).add(os.getsid(int(process.name)))
    return found


def end(opts: Mapping[str, Any], jid: str, force: bool = False) -> bool:
    """Ends the runner with that jid and what it started: SIGTERM, then SIGKILL, or (``force``) that at once.

    Whether it ran.
    """
    sessions = running(opts).get(jid, set())
    for session in sessions:
        _end(session, 0.0 if force else GRACE_S)
    return bool(sessions)


def _end(session: int, grace_s: float) -> None:
    # Who leads a session leads a group of the same number, which holds what it started.
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
    """Runs it to its end."""
    opts = salt.config.master_config(conf)
    low = {"fun": name, **json.load(sys.stdin), "__jid__": jid, "__user__": USER}
    salt.runner.RunnerClient(opts).low(name, low, print_event=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
