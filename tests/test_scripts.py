"""What the scripts of `make` do when something is not as it should be, each in a scratch place of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

VAGRANT = Path(__file__).parent.parent / "vagrant"
FROZEN = "runs, but does not answer"


class Place:
    """A folder for scripts to work in, with settings of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "place"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.settings = {"CELLAR_DIR": str(self.folder), "CELLAR_PUBLIC_PORT": str(self.port), "CELLAR_NODE": "here-1"}

    def bash(self, code: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """What comes of a piece of shell; `$v` is the folder of the scripts."""
        told = os.environ | self.settings | {"v": str(VAGRANT)} | more
        return subprocess.run(["bash", "-c", code], env=told, capture_output=True, text=True, timeout=60)

    def pid(self, name: str) -> int:
        """Of a process that was started here."""
        return int((self.folder / "run" / f"{name}.pid").read_text())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def frozen(place: Place) -> Iterator[Place]:
    """A public app that took its port, and hangs."""
    (place.folder / "pages").mkdir(parents=True)
    (place.folder / "pages" / "healthz").write_text("ok")
    serve = f"{sys.executable} -m http.server {place.port} --bind 127.0.0.1 --directory {place.folder}/pages"
    begin = f'. $v/settings.sh; start_process public {serve}; wait_for 20 healthy "$public_url"'
    started = place.bash(begin)
    assert started.returncode == 0, started.stderr
    try:
        assert re.search(r"public +running", place.bash("$v/status.sh").stdout)
        os.killpg(os.getpgid(place.pid("public")), signal.SIGSTOP)
        yield place
    finally:
        os.killpg(os.getpgid(place.pid("public")), signal.SIGKILL)


def test_a_process_that_hangs_does_not_count_as_one_that_lives(frozen: Place) -> None:
    told = frozen.bash("$v/status.sh")
    assert told.returncode == 1
    assert re.search(rf"public +{FROZEN} \(pid {frozen.pid('public')}\)", told.stdout), told.stdout


def test_nobody_waits_without_end_for_a_process_that_hangs(frozen: Place) -> None:
    assert frozen.bash('. $v/settings.sh; healthy "$public_url"').returncode == 28  # curl's: it took too long


def test_whatever_is_asked_over_http_is_asked_for_a_time() -> None:
    lines = [line for file in VAGRANT.rglob("*.sh") for line in file.read_text().splitlines()]
    asked = [line for line in lines if re.search(r"(?<![\w(])curl -", line)]
    assert len(asked) >= 3
    assert [line for line in asked if not re.search(r" (-m|--max-time) ?\d", line)] == []
