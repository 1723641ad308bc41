"""Real Scuttlebutt peers with their own identities, in containers of the pub image (tests/image/peer/peer.js)."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
from salt_daemons import TOP

IMAGE = "saltcellar/pub:0.1.0"


class Peer:
    """One person's Scuttlebutt: its identity lasts, while each run of commands gets a container of its own."""

    def __init__(self, engine: docker.DockerClient, folder: Path, hosts: list[str]) -> None:
        self.engine, self.folder, self.hosts = engine, folder, hosts
        folder.mkdir(parents=True)
        os.chown(folder, 1000, 1000)

    def __call__(self, *words: object) -> list[dict[str, Any]]:
        """Runs commands and returns one line for each; the last may have an "error"."""
        container = self.engine.containers.run(
            IMAGE,
            ["node", "/peer/peer.js", *map(str, words)],
            detach=True,
            init=True,
            extra_hosts=dict.fromkeys(self.hosts, "host-gateway"),
            environment={"PEER_TIMEOUT": "20"},
            volumes={
                str(self.folder): {"bind": "/home/node/.ssb"},
                str(TOP / "tests" / "image" / "peer"): {"bind": "/peer", "mode": "ro"},
            },
        )
        try:
            container.wait(timeout=120)
            return [json.loads(line) for line in container.logs(stderr=False).decode().splitlines()]
        finally:
            container.remove(force=True, v=True)

    def does(self, *words: object) -> list[dict[str, Any]]:
        """Runs commands, all of which must work."""
        lines = self(*words)
        assert not [line for line in lines if "error" in line], lines
        return lines

    @property
    def id(self) -> str:
        """Its feed's id."""
        return str(self.does("whoami")[0]["id"])


@contextlib.contextmanager
def invited(engine: docker.DockerClient, folder: Path, hosts: list[str]) -> Iterator[Callable[[str], Peer]]:
    """Gives a function that makes peers by name, who can resolve these hosts; deletes their data at the end."""
    folder.mkdir()
    try:
        yield lambda name: Peer(engine, folder / name, hosts)
    finally:
        shutil.rmtree(folder)
