"""Run Salt's commands as ``.venv/bin`` does (``salt.scripts``), and return their output and exit code."""

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
    """Run ``salt``, ``salt-run`` or ``salt-call`` with ``more`` in its environment.

    If it takes longer than ``seconds``, it is killed and subprocess.TimeoutExpired is raised.
    """
    import salt.scripts

    main = getattr(salt.scripts, MAIN[name])
    return forked.run(main, [name, *map(str, arguments)], seconds, {**os.environ, **more})
