"""A place that `make` brings up in its own folder and on its own ports, beside anything else on this machine."""

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
    """A place for `make` to work in: its folder and its settings."""

    folder: Path
    settings: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command with the place's settings."""
        return subprocess.run(command, cwd=TOP, env=os.environ | self.settings, text=True, capture_output=True)

    def make(self, target: str, succeeds: bool = True) -> str:
        """Runs a target of the Makefile and returns what it printed."""
        done = self.run("make", "--no-print-directory", target)
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        return done.stdout + ("" if succeeds else done.stderr)

    def lives(self) -> dict[str, tuple[str, str]]:
        """The status and start time of each of its bots' containers, by container id."""
        with contextlib.closing(docker.from_env()) as engine:
            return {one.id: (one.status, one.attrs["State"]["StartedAt"]) for one in within(engine, self.folder)}

    def processes(self) -> dict[str, str]:
        """The pid of each process that it started. Salt's own pid files in the same folder are left out."""
        started = (file.with_suffix(".pid") for file in (self.folder / "run").glob("*.began"))
        return {file.name: file.read_text() for file in started if file.exists()}

    def leaves_nothing(self) -> bool:
        """Whether its folder, containers and processes are gone."""
        left = subprocess.run(["pgrep", "-af", str(self.folder)], text=True, capture_output=True)
        return (self.folder.exists(), self.lives(), left.stdout) == (False, {}, "")
