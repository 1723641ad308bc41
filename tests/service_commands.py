"""The service's command line: what ``python -m pillar_service.web`` runs, with its arguments, output and exit code."""

import subprocess
import sys
from collections.abc import Mapping

import forked

forked.knows("pillar_service.web.cli")


def run(*words: str, environment: Mapping[str, str], seconds: float = 60) -> "subprocess.CompletedProcess[str]":
    """Runs ``python -m pillar_service.web`` with these words; subprocess.TimeoutExpired where it takes longer."""
    return forked.run(_main, ["pillar_service.web", *words], seconds, environment)


def python(code: str, *arguments: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Runs a piece of Python as ``python -c`` does, in a process that has the service's modules."""
    return forked.run(_code, [code, *arguments], 60, environment)


def _main() -> None:
    from pillar_service.web.cli import main

    main(prog_name="python -m pillar_service.web")


def _code() -> None:
    code, sys.argv[0] = sys.argv[0], "-c"
    exec(compile(code, "-c", "exec"), {"__name__": "__main__"})
