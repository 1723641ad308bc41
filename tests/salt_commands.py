"""Salt's commands, each in a process forked from one that has Salt's modules: to import them is half of what each costs.

What runs is what the commands in ``.venv/bin`` run (``salt.scripts``), with their arguments, output and exit code.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

MAIN = {"salt": "salt_main", "salt-run": "salt_run", "salt-call": "salt_call"}
WARM = [
    "salt.scripts",
    "salt.cli.salt",
    "salt.cli.run",
    "salt.runner",
    "salt.cli.call",
    "salt.cli.caller",
    "salt.state",
]

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["__main__", __name__, *WARM])


def run(name: str, *arguments: object, seconds: float, **more: str) -> "subprocess.CompletedProcess[str]":
    """Runs ``salt``, ``salt-run`` or ``salt-call``, with ``more`` in its environment.

    What takes longer is killed: subprocess.TimeoutExpired.
    """
    command = [name, *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        told = [Path(folder, stream) for stream in ("stdout", "stderr")]
        # Salt looks by this name whether it is what was started, or a child of it.
        process = FORKS.Process(target=_main, args=(command, told, {**os.environ, **more}), name="MainProcess")
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(command, seconds)
        printed = [file.read_text(errors="replace") if file.exists() else "" for file in told]
    return subprocess.CompletedProcess(command, process.exitcode, *printed)


def _main(command: list[str], told: list[Path], environment: Mapping[str, str]) -> None:
    import salt.scripts

    multiprocessing.set_start_method("fork", force=True)  # as it is in a process that nobody forked
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate(told, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = command
    sys.exit(getattr(salt.scripts, MAIN[command[0]])())
