"""Real daemons for tests: the service, a salt-master with its dispatcher, minions; random ports, one folder."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.request import urlopen

import yaml

TOP = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
MASTER_NAME = "test-master"


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], Any], seconds: float, what: str) -> Any:
    """Waits until something is true and returns it; an AssertionError says what was awaited in vain."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            if found := true():
                return found
        time.sleep(0.1)
    raise AssertionError(f"Not within {seconds} s: {what}")


@dataclass
class Daemon:
    """One process with its children, in a process group of its own, so that nothing of it is left behind."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    output: IO[bytes] | None = None

    def start(self) -> None:
        """Starts it; what it prints goes to <folder>/<name>.out."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.output = (self.folder / f"{self.name}.out").open("ab")
        self.process = subprocess.Popen(
            self.command,
            env=os.environ | self.environment,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def signal(self, number: int) -> None:
        """Sends a signal to it and all its children."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """kill -9, children and all; a child still dying would keep a new one from starting (Salt's pid file)."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
            until(self._is_gone, 30, f"{self.name} is dead")

    def _is_gone(self) -> bool:
        try:
            os.killpg(self.process.pid, 0) if self.process else None
        except ProcessLookupError:
            return True
        return self.process is None

    def stop(self) -> None:
        """Asks it to end, and kills what is left after 3 s: a minion takes no notice for longer than that."""
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        self.kill()
        if self.output is not None:
            self.output.close()


class Service:
    """Both apps of the service on SQLite. ``url`` is the private app's, ``public_url`` that of people and nodes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        public, private = free_port(), free_port()
        self.url, self.public_url = f"http://127.0.0.1:{private}", f"http://127.0.0.1:{public}"
        self.token_file = folder / "master-token"
        self.environment = {
            "CELLAR_DATABASE": f"sqlite:///{folder}/cellar.db",
            "CELLAR_FILES": str(folder / "files"),
            "CELLAR_SECRET_KEY": "not-a-secret-" * 4,
            "CELLAR_PUBLIC_PORT": str(public),
            "CELLAR_PRIVATE_PORT": str(private),
            "CELLAR_ALLOW_PRIVATE": "yes",
            "CELLAR_WORKERS": "1",
        }
        self.apps = {name: self._daemon(name) for name in ("public", "private")}

    def start(self) -> None:
        """Makes the database and a master's token at the first start, then starts both apps."""
        (self.folder / "files").mkdir(parents=True, exist_ok=True)
        if not self.token_file.exists():
            self.manage("migrate")
            self.manage("master-token", MASTER_NAME, "--file", str(self.token_file))
        for app in self.apps.values():
            app.start()
        self.wait()

    def wait(self) -> None:
        """Waits until both apps answer."""
        for url in (self.url, self.public_url):
            until(lambda url=url: urlopen(f"{url}/healthz", timeout=2).status == 200, 20, f"{url} answers")

    def manage(self, *arguments: str) -> str:
        """Runs a command of the service; returns what it printed."""
        command = [sys.executable, "-m", "pillar_service.web", *arguments]
        done = subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def stop(self) -> None:
        """Stops both apps."""
        for app in self.apps.values():
            app.stop()

    def kill(self) -> None:
        """kill -9 both apps."""
        for app in self.apps.values():
            app.kill()

    def _daemon(self, name: str) -> Daemon:
        return Daemon(name, [sys.executable, "-m", "pillar_service.web", "serve", name], self.folder, self.environment)


class Master(Daemon):
    """A salt-master with the shipped configuration, our loader files and the dispatcher, for the service at ``url``."""

    def __init__(self, folder: Path, url: str, token_file: Path, **more: Any) -> None:
        self.etc, self.url, self.token_file = folder / "etc", url, token_file
        self.ports = {"publish_port": free_port(), "ret_port": free_port()}
        super().__init__("master", [str(BIN / "salt-master"), "-c", str(self.etc), "-l", "info"], folder)
        self.keys = folder / "pki"
        (self.keys / "minions").mkdir(parents=True)
        self.etc.mkdir()
        (self.etc / "master").write_text(yaml.safe_dump(self._config() | more))
        make_keys("master", self.keys)

    def _config(self) -> dict[str, Any]:
        asked = {"url": self.url, "token_file": str(self.token_file)}
        return {
            "include": f"{TOP}/salt/master.d/*.conf",
            "id": MASTER_NAME,
            "user": "root",
            "interface": "127.0.0.1",
            **self.ports,
            **salt_folders(self.folder),
            "pki_dir": str(self.keys),
            "pillar_roots": {"base": []},
            "file_roots": {"base": [str(TOP / "states")]},
            "runner_dirs": [str(TOP / "runners")],
            "saltcellar": asked,
            "ext_pillar": [{"http_json": {"url": f"{self.url}/pillar/%s", "token_file": str(self.token_file)}}],
            "engines": [{"dispatcher": {**asked, "name": MASTER_NAME}}],
        }

    def run(self, function: str, *arguments: str, seconds: float = 120) -> tuple[int, Any]:
        """salt-run --out=json: its exit code and what it printed."""
        command = [str(BIN / "salt-run"), "-c", str(self.etc), "--out=json", function, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else done.stderr

    def salt(self, node: str, function: str, *arguments: str, seconds: float = 60) -> Any:
        """What a node returns to the salt command; None when it does not answer."""
        command = [str(BIN / "salt"), "-c", str(self.etc), "--out=json", "--static", "-t", str(seconds), node, function]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=seconds + 30, check=False)
        return json.loads(done.stdout).get(node) if done.stdout.strip() else None

    def accept(self, node: str, public_key: Path) -> None:
        """Accepts exactly this key of a node."""
        (self.keys / "minions" / node).write_text(public_key.read_text())


def make_keys(name: str, folder: Path) -> None:
    """Makes a pair of keys, <name>.pem and <name>.pub: salt-key would also make the folder's owner into a master."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", private, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    private.chmod(0o400)


class Minion(Daemon):
    """A salt-minion of a master, with the shipped configuration."""

    def __init__(self, folder: Path, node: str, master: Master, **more: Any) -> None:
        self.node, self.master, self.etc = node, master, folder / "etc"
        super().__init__(node, [str(BIN / "salt-minion"), "-c", str(self.etc), "-l", "info"], folder)
        keys = folder / "pki"
        for made in (self.etc, keys):
            made.mkdir(parents=True)
        make_keys("minion", keys)
        (keys / "minion_master.pub").write_text((master.keys / "master.pub").read_text())
        master.accept(node, keys / "minion.pub")
        config = {
            "include": f"{TOP}/salt/minion.d/*.conf",
            "id": node,
            "user": "root",
            "master": "127.0.0.1",
            "publish_port": master.ports["publish_port"],
            "master_port": master.ports["ret_port"],
            "pki_dir": str(keys),
            **salt_folders(folder),
            "saltcellar": {"data": str(folder / "node")},
        }
        (self.etc / "minion").write_text(yaml.safe_dump(config | more))

    def wait(self) -> None:
        """Waits until it answers the master."""
        until(lambda: self.master.salt(self.node, "test.ping", seconds=5) is True, 60, f"{self.node} answers")


def salt_folders(folder: Path) -> dict[str, str]:
    """Where a Salt daemon keeps what it writes."""
    return {
        "root_dir": str(folder),
        "cachedir": str(folder / "cache"),
        "sock_dir": str(folder / "run"),
        "pidfile": str(folder / "run" / "salt.pid"),
        "log_file": str(folder / "salt.log"),
        "extension_modules": str(folder / "cache" / "extmods"),
    }


@contextlib.contextmanager
def running(daemon: Any) -> Iterator[Any]:
    """A daemon, started, and stopped whatever happens."""
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()
