"""Running programs here: their output is shown as it comes, and both output and time are limited."""

import codecs
import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

from pillar_service.core.errors import Failed

MOST = 1 << 18
"""The most characters that a program may print: a machine elsewhere must not fill the memory here."""

Show = Callable[[str], None]


def ended(command: Sequence[str], given: str, seconds: float, where: str, show: Show) -> tuple[int, str]:
    """Runs a program with ``given`` as its input; returns its exit status and all its output, stderr included.

    Each line is passed to ``show`` as it comes. Raises Failed when the program takes longer than ``seconds``, prints too
    much, or is missing.
    """
    process, ends = _started(command), time.monotonic() + seconds
    try:
        _give(process, given)
        said = rest = ""
        for piece in _pieces(process, ends):
            said += piece
            *lines, rest = (rest + piece).split("\n")
            for line in lines:
                show(line)
            if len(said) > MOST:
                raise Failed(f"{where} says too much: the program was ended after {MOST} characters.")
        return process.wait(max(1.0, ends - time.monotonic())), said
    except (TimeoutError, subprocess.TimeoutExpired):
        raise Failed(
            f"{where} was not done within {seconds:.0f} s: see what holds it up there, or allow more time with wait=…."
        ) from None
    finally:
        _end(process)


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Starts a program in a session of its own, so that it can't ask a terminal for anything, and can be ended as a whole."""
    pipe = subprocess.PIPE
    told = os.environ | {"LC_ALL": "C"}
    try:
        return subprocess.Popen(  # noqa: S603  # a list of checked words, without a shell
            command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, env=told, start_new_session=True
        )
    except FileNotFoundError:
        raise Failed(
            f"There is no {command[0]} here: install it (on Debian: apt-get install openssh-client)."
        ) from None


def _give(process: subprocess.Popen[bytes], given: str) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(given.encode())


def _pieces(process: subprocess.Popen[bytes], ends: float) -> Iterator[str]:
    """The program's output as it comes, without control characters; raises TimeoutError after ``ends``."""
    assert process.stdout is not None
    source, decoder = process.stdout.fileno(), codecs.getincrementaldecoder("utf-8")("replace")
    while (left := ends - time.monotonic()) > 0:
        if not select.select([source], [], [], left)[0]:
            continue
        if not (piece := os.read(source, 1 << 16)):
            return
        yield "".join(one if one.isprintable() or one == "\n" else " " for one in decoder.decode(piece))
    raise TimeoutError


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
