"""A control plane in a folder of its own, started by the scripts of `make up`, to be lost and restored."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import salt_commands
from daemons import until
from ports import free_port

from pillar_service.master.client import Client

VAGRANT = Path(__file__).resolve().parents[2] / "vagrant"
PROCESSES = ("public", "private", "master", "minion")


class ControlPlane:
    """The service, the salt-master and its minion. ``keys``, ``ports`` and ``accept`` are for minions elsewhere."""

    def __init__(self, folder: Path, repository: Path, password: Path) -> None:
        self.folder, self.keys, self.etc = folder, folder / "etc/salt/pki/master", folder / "etc/salt"
        self.ports = {"publish_port": free_port(), "ret_port": free_port()}
        private = free_port()
        self.url, self.token_file = f"http://127.0.0.1:{private}", folder / "secrets" / "master-token"
        self.environment = {
            "CELLAR_DIR": str(folder),
            "CELLAR_NODE": "central",
            "CELLAR_PUBLIC_PORT": str(free_port()),
            "CELLAR_PRIVATE_PORT": str(private),
            "CELLAR_PUBLISH_PORT": str(self.ports["publish_port"]),
            "CELLAR_RETURN_PORT": str(self.ports["ret_port"]),
            "CELLAR_ALLOW_PRIVATE": "yes",
            "CELLAR_WORKERS": "1",
            "CELLAR_BACKUP_REPOSITORY": str(repository),
            "CELLAR_BACKUP_BOTS_DAYS": "0",  # An export would stop the bot for a moment.
            "CELLAR_BACKUP_PASSWORD_FILE": str(password),
        }

    def script(self, name: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
        """Runs one of the scripts in vagrant/."""
        command = [str(VAGRANT / name), *map(str, arguments)]
        return subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True, timeout=180)

    def start(self) -> None:
        """Starts it as `make up` does, without its packages and first pub."""
        for folder in ("log", "run", "secrets", "service", "node", "etc"):
            (self.folder / folder).mkdir(mode=0o700, parents=True)
        for script in ("service.sh", "salt.sh"):
            done = self.script(script)
            assert done.returncode == 0, done.stdout + done.stderr

    def manage(self, *arguments: str) -> None:
        """Runs a command of the service."""
        command = [str(VAGRANT.parent / ".venv/bin/python"), "-m", "pillar_service.web", *arguments]
        told = {
            "CELLAR_DATABASE": f"sqlite:///{self.folder}/service/cellar.db",
            "CELLAR_FILES": f"{self.folder}/service/files",
            "CELLAR_SECRET_KEY_FILE": f"{self.folder}/secrets/key",
        }
        done = subprocess.run(command, env=os.environ | self.environment | told, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def client(self) -> Client:
        """A client of its private app."""
        return Client(self.url, str(self.token_file), actor="tester")

    def run(self, function: str, *arguments: str) -> Any:
        """Runs a runner and returns its result."""
        done = salt_commands.run("salt-run", "-c", self.etc, "--out=json", function, *arguments, seconds=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def salt(self, node: str, function: str, seconds: float = 10) -> Any:
        """Runs a function with the salt command; returns the node's answer, None if there is none."""
        command = ["salt", "-c", self.etc, "--out=json", "--static", "-t", seconds, node, function]
        done = salt_commands.run(*command, seconds=seconds + 30)
        _, brace, rest = done.stdout.partition("{")
        return json.loads(brace + rest).get(node) if brace else None

    def accept(self, node: str, public_key: Path) -> None:
        """Accepts this key for the node."""
        (self.keys / "minions" / node).write_text(public_key.read_text())

    def kill(self) -> None:
        """kill -9 of all its processes."""
        for name in PROCESSES:
            file = self.folder / "run" / f"{name}.pid"
            if file.exists():
                pid = int(file.read_text())
                try:
                    os.killpg(os.getpgid(pid), signal.SIGKILL)  # start-stop-daemon led the group and has ended
                except ProcessLookupError:
                    continue
                until(lambda pid=pid: not Path(f"/proc/{pid}/exe").exists(), 20, f"{name} is dead")

    def stop(self) -> None:
        """Kills all its processes."""
        self.kill()

    def lose(self) -> None:
        """Kills it and deletes its folder, as if the machine and its disk were lost."""
        self.kill()
        shutil.rmtree(self.folder)
