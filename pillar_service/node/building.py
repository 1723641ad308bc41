"""Builds the pub's image by the script that the states bring, and tells what it wrote."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pillar_service.core.bots.happenings import plain
from pillar_service.core.jobs import redaction

SCRIPT = "./pub-image.sh"
MOST_LINES = 200
"""So many lines of its logs are told, the last ones: they go over Salt's bus, and onto a page."""
LONGEST = 400
LAST_WORDS = 3


@dataclass(frozen=True)
class Built:
    """How it ended, in one sentence; ``lines`` are the last of its logs, and then what the script itself said."""

    comment: str
    result: bool
    lines: list[str]


def build(scripts: Path, logs: Path, base_image: str, timeout_s: float) -> Built:
    """Run the script of that directory, whose programs write their logs into ``logs``."""
    began = time.time_ns()
    try:
        said, code = _run(scripts, logs, base_image, timeout_s)
    except OSError as error:
        return Built(f"The pub's image could not be built: {SCRIPT} does not run here: {error.strerror}.", False, [])
    written, told = _written(logs, began), _plain(said.splitlines())
    if code == 0:
        return Built(told[-1] if told else "The pub's image is built.", True, _last(written, told))
    why = told[-1] if told else f"{SCRIPT} ended with {code}"
    words = " ".join(line for line in written[-LAST_WORDS:] if line.strip())
    sentence = f"The pub's image could not be built: {why}." + (f" The last words of its log: {words}" if words else "")
    return Built(sentence, False, _last(written, told))


def _run(scripts: Path, logs: Path, base_image: str, timeout_s: float) -> tuple[str, int]:
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
        try:
            return running.communicate(timeout=timeout_s)[0], running.returncode
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)  # and what it has started
            return f"{running.communicate()[0]}\nit took longer than {timeout_s:g} s", running.returncode


def _written(logs: Path, since_ns: int) -> list[str]:
    """The lines of the logs that were written since, the oldest log first: what was built before is not told again."""
    fresh = {path: path.stat().st_mtime_ns for path in logs.glob("*.log")}
    inorder = sorted((path for path, at in fresh.items() if at >= since_ns), key=lambda path: fresh[path])
    return _plain(line for path in inorder for line in path.read_text("utf-8", "replace").splitlines()[-MOST_LINES:])


def _plain(lines: Iterable[str]) -> list[str]:
    return [redaction.text(plain(line))[:LONGEST] for line in lines]


def _last(written: list[str], told: list[str]) -> list[str]:
    return [*written, *told][-MOST_LINES:]
