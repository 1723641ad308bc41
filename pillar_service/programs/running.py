"""Runs a program that may take hours: it ends if we do, and the caller is called back regularly meanwhile."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pillar_service.core.errors import Failed

BEAT_S = 10.0
"""Seconds between two calls of the caller's ``beat``."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

WITH_US = ("setpriv", "--pdeathsig", "KILL")
"""The program ends with us (by util-linux's setpriv): one left behind would read files that the next one is writing."""


@dataclass(frozen=True)
class Said:
    """How a program ended, and its output."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of its error output or, if there is none, of its output."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1][:300] if lines else f"nothing, and ended with {self.code}"


def ran(
    command: Sequence[str],
    environment: Mapping[str, str],
    most_s: float,
    folder: Path | None = None,
    beat: Callable[[], None] = lambda: None,
) -> Said:
    """Run a command to its end; raises Failed if it takes more than ``most_s`` seconds, or a program or folder is missing.

    It gets only this ``environment``, PATH, HOME and LC_ALL, because our own environment holds secrets. If ``beat`` raises,
    the command is ended.
    """
    told = {"PATH": PATH, "HOME": str(Path.home()), "LC_ALL": "C", **environment}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(  # noqa: S603  # a list of words, no shell
                [*WITH_US, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=told, cwd=folder, start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise Failed(f"{error.filename} is missing: a program or a folder that a backup needs.") from error
        try:
            _wait(process, command[0], most_s, beat)
        finally:
            _end(process)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Said(process.returncode, *texts)


def _wait(process: subprocess.Popen[bytes], name: str, most_s: float, beat: Callable[[], None]) -> None:
    ends = time.monotonic() + most_s
    while True:
        try:
            process.wait(min(BEAT_S, most_s))
            return
        except subprocess.TimeoutExpired:
            if time.monotonic() > ends:
                raise Failed(
                    f"{name} was not done within {most_s:.0f} s, and was ended: see what holds it up."
                ) from None
            beat()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
