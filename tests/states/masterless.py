"""A node without a master: its pillar is a file, everything else is real."""

import json
import secrets
from pathlib import Path
from typing import Any

import docker
import salt_commands
from minion_keys import new_key
from ports import free_port

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "saltcellar/pub:0.1.0"


def bot_entry(name: str, **changed: Any) -> dict[str, Any]:
    """A bot as a pillar lists it."""
    return {
        "name": name,
        "host": "127.0.0.1",
        "service": "pub",
        "state": "running",
        "purge": False,
        "port": free_port(),
        "image": IMAGE,
        "memory_mb": 128,
        "allow_private": True,
        "seeds": [],
        "import": None,
        "pub_id": None,
    } | changed


class Node:
    """A node without a master, whose pillar is a file."""

    def __init__(self, folder: Path, cache: Path, engine: docker.DockerClient) -> None:
        self.id = f"node-test-{secrets.token_hex(4)}"
        self.folder, self.engine = folder, engine
        self.data = folder / "data"
        self.service = {"url": "http://127.0.0.1:9", "token": "none"}
        self.bots: dict[str, dict[str, Any]] = {}
        self.pki = new_key(cache / "pki" / self.id)  # below root_dir, where Salt would move it anyway
        (folder / "pillar").mkdir()
        (folder / "pillar" / "top.sls").write_text("base: {'*': [ours]}")
        config = {
            "id": self.id,
            "file_client": "local",
            "file_roots": {"base": [str(ROOT / "states")]},
            "pillar_roots": {"base": [str(folder / "pillar")]},
            "root_dir": str(cache),
            "pki_dir": str(self.pki),
            "cachedir": str(cache),
            "log_file": str(folder / "salt.log"),
            "saltcellar": {"data": str(self.data), "patience_s": 10},
            "docker.update_mine": False,
        }
        (folder / "minion").write_text(json.dumps(config))
        self.tell()

    def add(self, name: str = "pub", **changed: Any) -> str:
        """Add a bot to the pillar; return its id."""
        bot = secrets.token_hex(8)
        self.bots[bot] = bot_entry(name, **changed)
        self.tell()
        return bot

    def change(self, bot: str, **changed: Any) -> None:
        self.bots[bot] |= changed
        self.tell()

    def tell(self, **also: Any) -> None:
        self.tell_raw({"saltcellar": {"node": self.id, "service": self.service, "bots": self.bots} | also})

    def tell_raw(self, pillar: object) -> None:
        (self.folder / "pillar" / "ours.sls").write_text(json.dumps(pillar))

    def configure(self, **more: Any) -> None:
        """Add this to the minion's configuration."""
        file = self.folder / "minion"
        file.write_text(json.dumps(json.loads(file.read_text()) | more))

    def call(self, *arguments: str, **environment: str) -> Any:
        """Run salt-call; return its result, or whatever it printed if that is not a result."""
        ran = salt_commands.run(
            "salt-call", "-c", self.folder, "--local", "--out=json", *arguments, seconds=180, **environment
        )
        try:
            return json.loads(ran.stdout)["local"]
        except (ValueError, KeyError):
            # A function that failed only says so on stderr.
            return ran.stdout + ran.stderr

    def apply(self, *arguments: str, **environment: str) -> dict[str, dict[str, Any]]:
        """Run `state.apply pubs`; return the states by id (of a list, by its names, too)."""
        returned = self.call("state.apply", "pubs", *arguments, **environment)
        assert isinstance(returned, dict), returned
        return {key.split("_|-")[1]: state for key, state in returned.items()}

    def container(self, bot: str) -> docker.models.containers.Container | None:
        found = self.engine.containers.list(all=True, filters={"label": f"saltcellar.bot={bot}"})
        return found[0] if found else None

    def clear(self) -> None:
        for container in self.engine.containers.list(all=True, filters={"label": f"saltcellar.node={self.id}"}):
            container.remove(force=True, v=True)


def changed(states: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The changes of a run, by state."""
    return {key: state["changes"] for key, state in states.items() if state["changes"]}


def failed(states: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The comments of the states that failed in a run."""
    return {key: state["comment"] for key, state in states.items() if state["result"] is False}
