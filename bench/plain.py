"""Pubs started by plain docker commands, with the same limits as ours, to compare with."""

import contextlib
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.alive import answers
from bench.cellar import Cellar

FIRST_PORT = 24500
IMAGE = "saltcellar/pub:0.1.0"
USER = 1000


class Pubs:
    """Containers on their own network, made by the docker command."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.network, self.made = folder, f"bench-{secrets.token_hex(3)}", 0
        self.folders: dict[str, Path] = {}

    def run(self) -> Path:
        """Make the directory and configuration of another pub, and start it; returns its data directory."""
        self.made += 1
        name, port = f"{self.network}-{self.made}", FIRST_PORT + self.made
        data, config = self.folder / name, self.folder / f"{name}.json"
        data.mkdir(mode=0o700)
        os.chown(data, USER, USER)
        config.write_text(json.dumps(_config(name, port)))
        config.chmod(0o644)
        self.folders[name] = data
        docker("run", "--detach", "--name", name, *self._limits(name, port), *_binds(data, config), IMAGE)
        return data

    def clear(self) -> None:
        """Remove all pubs and their data."""
        if self.folders:
            docker("rm", "--force", "--volumes", *self.folders)
        self.folders.clear()

    def _limits(self, name: str, port: int) -> list[str]:
        limits = ["--init", "--memory=256m", "--memory-swap=256m", "--restart=unless-stopped", "--cap-drop=ALL"]
        place = [f"--publish={port}:{port}/tcp", f"--network={self.network}", f"--hostname={name}"]
        return [*limits, "--security-opt=no-new-privileges", *place, f"--label=bench={self.network}"]


@contextlib.contextmanager
def pubs(cellar: Cellar, name: str) -> Iterator[Pubs]:
    """Gives pubs that are removed at the end, with their network."""
    assert cellar.engine
    folder = cellar.folder / f"plain-{name}"
    folder.mkdir()
    plain = Pubs(folder)
    docker("network", "create", plain.network)
    try:
        yield plain
    finally:
        if left := docker("ps", "--all", "--quiet", f"--filter=label=bench={plain.network}").split():
            docker("rm", "--force", "--volumes", *left)
        docker("network", "rm", plain.network)


def docker(*arguments: Any) -> str:
    """Run a docker command, and return what it prints; raises RuntimeError with its error message."""
    ran = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"docker {arguments[0]}: {ran.stderr.strip()}")
    return ran.stdout


def is_as_wanted(container: str, wanted: dict[str, Any], data: Path) -> bool:
    """Whether ``docker inspect`` shows a running container with this image, memory, labels and port, whose pub answers."""
    [found] = json.loads(docker("inspect", container))
    shown = {
        "running": found["State"]["Running"],
        "image": found["Config"]["Image"],
        "memory": found["HostConfig"]["Memory"],
        "bot": found["Config"]["Labels"].get("saltcellar.bot"),
        "ports": sorted(found["HostConfig"]["PortBindings"]),
    }
    return shown == wanted and answers(data)


def _config(name: str, port: int) -> dict[str, Any]:
    incoming = {"scope": "public", "host": "0.0.0.0", "external": name, "transform": "shs", "port": port}
    return {
        "connections": {"incoming": {"net": [incoming]}, "outgoing": {"net": [{"transform": "shs"}]}},
        "allowPrivate": True,
        "gossip": {"local": False},
        "seeds": [],
        "saltcellar": {"name": name},
    }


def _binds(data: Path, config: Path) -> list[str]:
    return [f"--volume={data}:/home/node/.ssb:rw", f"--volume={config}:/home/node/.ssb/config:ro"]
