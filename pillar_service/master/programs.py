"""Programs that run here: what they say is shown as it comes, and neither it nor their time is without bounds."""

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
"""So many characters may a program say: a machine elsewhere must not fill the memory here."""

Show = Callable[[str], None]


def ended(command: Sequence[str], given: str, seconds: float, where: str, show: Show) -> tuple[int, str]:
    """How a program ended, and all that it said; raises Failed where it takes too long, says too much, or is missing."""
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
            f"{where} was not done within {seconds:.0f} s: look what holds it up there, or say wait=…."
        ) from None
    finally:
        _end(process)


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """In a session of its own: so it can ask no terminal for anything, and all of it can be ended."""
    pipe = subprocess.PIPE
    told = os.environ | {"LC_ALL": "C"}
    try:
        return subprocess.Popen(  # noqa: S603  # a list, whose words were checked
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
    """What it says, as it comes, without what would do something to a terminal; raises TimeoutError."""
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
