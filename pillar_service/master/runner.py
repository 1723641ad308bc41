"""A runner in a process of its own, as the dispatcher starts it: `python -m pillar_service.master.runner CONF JID NAME`.

The process outlives a dispatcher that is killed, and files what came of it in the master's job cache, where the next
dispatcher finds it. Arguments come as a JSON object on standard input: a command line can be read by everybody.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import salt.config
import salt.runner

USER = "saltcellar"
"""Who asked for it, for Salt; who really did stands in the job."""


def start(opts: Mapping[str, Any], name: str, arguments: Mapping[str, Any], jid: str) -> None:
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
        pipe.write(json.dumps(dict(arguments)).encode())


def runs(opts: Mapping[str, Any], jid: str) -> bool:
    """Whether the runner with that jid runs (Salt keeps a file for each)."""
    return (Path(opts["cachedir"]) / "proc" / jid).exists()


def main(conf: str, jid: str, name: str) -> None:
    """Runs it to its end."""
    opts = salt.config.master_config(conf)
    low = {"fun": name, "arg": [], "kwarg": json.load(sys.stdin), "__jid__": jid, "__user__": USER}
    salt.runner.RunnerClient(opts).low(name, low, print_event=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
