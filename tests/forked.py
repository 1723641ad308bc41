"""Run commands in processes forked from one that has their modules already: importing those is most of a command's cost."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_MODULES = ["__main__", __name__]


def knows(*modules: str) -> None:
    """Name modules to import before forking. Must be called before the first command runs."""
    _MODULES.extend(modules)
    _FORKS.set_forkserver_preload(_MODULES)


def run(
    main: Callable[[], object], command: list[str], seconds: float, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Call a command's main function in a fork, with this command line and this environment alone; return what came of it.

    If it takes longer than ``seconds``, it is killed and subprocess.TimeoutExpired is raised.
    """
    with tempfile.TemporaryDirectory() as folder:
        told = [Path(folder, stream) for stream in ("stdout", "stderr")]
        # By this name Salt tells a main process from its children.
        process = _FORKS.Process(target=_run, args=(main, command, told, dict(environment)), name="MainProcess")
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(command, seconds)
        printed = [file.read_text(errors="replace") if file.exists() else "" for file in told]
    return subprocess.CompletedProcess(command, process.exitcode, *printed)


def _run(main: Callable[[], object], command: list[str], told: list[Path], environment: Mapping[str, str]) -> None:
    multiprocessing.set_start_method("fork", force=True)  # As in a process that was not forked.
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate(told, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = command
    sys.exit(main())
