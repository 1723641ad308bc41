"""Salt's commands: what the commands in ``.venv/bin`` run (``salt.scripts``), with their arguments, output and exit code."""

import os
import subprocess

import forked

MAIN = {"salt": "salt_main", "salt-run": "salt_run", "salt-call": "salt_call"}

forked.knows(
    "salt.scripts",
    "salt.cli.salt",
    "salt.cli.run",
    "salt.runner",
    "salt.cli.call",
    "salt.cli.caller",
    "salt.state",
)


def run(name: str, *arguments: object, seconds: float, **more: str) -> "subprocess.CompletedProcess[str]":
    """Runs ``salt``, ``salt-run`` or ``salt-call``, with ``more`` in its environment.

    What takes longer is killed: subprocess.TimeoutExpired.
    """
    import salt.scripts

    main = getattr(salt.scripts, MAIN[name])
    return forked.run(main, [name, *map(str, arguments)], seconds, {**os.environ, **more})
