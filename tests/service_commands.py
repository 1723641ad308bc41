"""Run the service's command line (``python -m pillar_service.web``), and return its output and exit code."""

import subprocess
import sys
from collections.abc import Mapping

import forked

forked.knows("pillar_service.web.cli")


def run(*words: str, environment: Mapping[str, str], seconds: float = 60) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m pillar_service.web`` with these arguments; subprocess.TimeoutExpired if it takes too long."""
    return forked.run(_main, ["pillar_service.web", *words], seconds, environment)


def python(code: str, *arguments: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a piece of Python like ``python -c``, in a process that has imported the service's modules."""
    return forked.run(_code, [code, *arguments], 60, environment)


def _main() -> None:
    from pillar_service.web.cli import main

    main(prog_name="python -m pillar_service.web")


def _code() -> None:
    code, sys.argv[0] = sys.argv[0], "-c"
    exec(compile(code, "-c", "exec"), {"__name__": "__main__"})
