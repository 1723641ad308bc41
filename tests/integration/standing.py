"""What `make` brings up in a place and on ports of its own, beside whatever else stands on this machine."""

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import docker
from campaigns import within
from salt_daemons import TOP


@dataclass
class Standing:
    """A place for `make` to work in: where it is, and its settings."""

    folder: Path
    settings: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """What comes of a command with the place's settings."""
        return subprocess.run(command, cwd=TOP, env=os.environ | self.settings, text=True, capture_output=True)

    def make(self, target: str, succeeds: bool = True) -> str:
        """What a target of the Makefile says."""
        done = self.run("make", "--no-print-directory", target)
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        return done.stdout + ("" if succeeds else done.stderr)

    def lives(self) -> dict[str, tuple[str, str]]:
        """Of each container of its bots: which it is, and since when it runs."""
        with contextlib.closing(docker.from_env()) as engine:
            return {one.id: (one.status, one.attrs["State"]["StartedAt"]) for one in within(engine, self.folder)}

    def processes(self) -> dict[str, str]:
        """The pid of each process that it started; Salt keeps files of its own beside them."""
        started = (file.with_suffix(".pid") for file in (self.folder / "run").glob("*.began"))
        return {file.name: file.read_text() for file in started if file.exists()}

    def leaves_nothing(self) -> bool:
        """Whether folder, containers and processes are gone."""
        left = subprocess.run(["pgrep", "-af", str(self.folder)], text=True, capture_output=True)
        return (self.folder.exists(), self.lives(), left.stdout) == (False, {}, "")
