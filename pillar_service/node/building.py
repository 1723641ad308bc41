"""Builds the pub's image with the script that the states bring, and passes on its log while it runs."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pillar_service.core.bots.happenings import plain
from pillar_service.core.jobs import redaction

SCRIPT = "./pub-image.sh"
MOST_LINES = 200
"""How many lines of the logs are told at a time, the last ones: they go over Salt's bus and onto a page."""
LONGEST = 400
LAST_WORDS = 3
EVERY_S = 2.0
"""Seconds between looks at the logs."""

Tell = Callable[[int, list[str]], None]
"""Takes new lines, after the number of the first of them among all lines (from 0)."""


@dataclass(frozen=True)
class Built:
    """How a build ended.

    ``comment`` says so in one sentence. ``lines`` are the last lines of its logs, followed by the script's own output, and
    ``first`` is the number of the first of them among all lines (from 0).
    """

    comment: str
    result: bool
    lines: list[str]
    first: int = 0


def build(
    scripts: Path, logs: Path, base_image: str, timeout_s: float, tell: Tell = lambda _first, _lines: None
) -> Built:
    """Run the script in the folder ``scripts``, which writes its logs into ``logs``; ``tell`` gets their lines meanwhile."""
    written = Written(logs, tell)
    try:
        said, code = _run(scripts, logs, base_image, timeout_s, written)
    except OSError as error:
        return Built(f"The pub's image could not be built: {SCRIPT} can't be run here: {error.strerror}.", False, [])
    written.look(is_over=True)
    told, words = _plain(said.splitlines()), [line for line in [*written.last][-LAST_WORDS:] if line.strip()]
    lines = [*written.last, *told][-MOST_LINES:]
    first = written.count + len(told) - len(lines)
    if code == 0:
        return Built(told[-1] if told else "The pub's image is built.", True, lines, first)
    why = told[-1] if told else f"{SCRIPT} ended with {code}"
    more = f" The last words of its log: {' '.join(words)}" if words else ""
    return Built(f"The pub's image could not be built: {why}.{more}", False, lines, first)


class Written:
    """Reads the lines that are written to the logs in a folder from now on; logs of earlier builds are left out."""

    def __init__(self, logs: Path, tell: Tell) -> None:
        self._logs, self._tell, self._since_ns = logs, tell, time.time_ns()
        self._read: dict[Path, int] = {}
        self.count, self.last = 0, deque[str](maxlen=MOST_LINES)

    def look(self, is_over: bool = False) -> None:
        """Read new lines, the oldest log first, and tell them; a line without an end is left for later until it ``is_over``.

        Once it ``is_over``, lines are only added to ``last`` and not told.
        """
        fresh = {path: path.stat().st_mtime_ns for path in self._logs.glob("*.log")}
        inorder = sorted((path for path, at in fresh.items() if at >= self._since_ns), key=lambda path: fresh[path])
        lines = _plain(line for path in inorder for line in self._lines(path, is_over))
        self.count += len(lines)
        self.last.extend(lines)
        if lines and not is_over:
            told = lines[-MOST_LINES:]
            self._tell(self.count - len(told), told)

    def _lines(self, path: Path, is_over: bool) -> list[str]:
        with path.open("rb") as file:
            known = self._read.get(path, 0)
            at = file.seek(known if known <= path.stat().st_size else 0)  # the log may have been started over
            found = file.read()
        whole = found if is_over else found[: found.rfind(b"\n") + 1]
        self._read[path] = at + len(whole)
        return whole.decode("utf-8", "replace").splitlines()


def _run(scripts: Path, logs: Path, base_image: str, timeout_s: float, written: Written) -> tuple[str, int]:
    environment = os.environ | {"SALTCELLAR_LOG_DIR": str(logs)} | ({"BASE": base_image} if base_image else {})
    with subprocess.Popen(  # noqa: S603
        [SCRIPT],
        cwd=scripts,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as running:
        ends = time.monotonic() + timeout_s
        while (left := ends - time.monotonic()) > 0:
            try:
                return running.communicate(timeout=min(EVERY_S, left))[0], running.returncode
            except subprocess.TimeoutExpired:
                written.look()
        os.killpg(running.pid, signal.SIGKILL)  # also ends what the script has started
        return f"{running.communicate()[0]}\nit took longer than {timeout_s:g} s", running.returncode


def _plain(lines: Iterable[str]) -> list[str]:
    return [redaction.text(plain(line))[:LONGEST] for line in lines]
