"""Real salt-masters and salt-minions by pytest-salt-factories, with the shipped configuration and nothing of the factories'."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import salt_commands
from daemons import MASTER_NAME, until
from ports import free_port
from saltfactories.daemons.master import SaltMaster
from saltfactories.daemons.minion import SaltMinion
from saltfactories.manager import FactoriesManager
from saltfactories.plugins.event_listener import EventListener

TOP = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


class Factories(FactoriesManager):
    """Runs what is shipped, without the engines and log handlers that the factories would add."""

    def final_common_config_tweaks(self, config: dict[str, Any], role: str) -> None:
        """Leaves the configuration unchanged."""


@cache
def factories() -> Factories:
    """The factories of this process, with the commands beside this Python."""
    unused = {"log_server_host": "", "log_server_port": 0, "log_server_level": ""}
    folder = tempfile.gettempdir()
    return Factories(root_dir=folder, scripts_dir=BIN, event_listener=EventListener(), **unused)


class Shipped:
    """What both daemons share: they lead a session of their own, and have only the configuration that they are given."""

    through: tuple[str, ...] = ()
    """The command that they are started through, if any: it must end by executing the command that follows it."""

    @classmethod
    def default_config(cls, root_dir: Path, *_: Any, overrides: dict[str, Any], **__: Any) -> dict[str, Any]:
        """The configuration as given: the factories' defaults would hide what is shipped."""
        (root_dir / "etc").mkdir(parents=True)
        return {"conf_file": str(root_dir / "etc" / cls.__name__.removeprefix("Shipped").lower()), **overrides}

    @classmethod
    def _get_verify_config_entries(cls, _config: dict[str, Any]) -> list[str]:
        return []  # The daemon makes its own folders; the factory would also make Salt's default ones.

    def get_check_events(self) -> list[tuple[str, str]]:
        """None: using the daemon shows whether it works."""
        return []

    def cmdline(self, *arguments: str) -> list[str]:
        """The command, run as the leader of a session."""
        return ["setsid", *self.through, *super().cmdline(*arguments)]  # type: ignore[misc]


class ShippedMaster(Shipped, SaltMaster):
    """A salt-master."""


class ShippedMinion(Shipped, SaltMinion):
    """A salt-minion."""


class SaltProcess:
    """A Salt daemon with all its children, which can be started, stopped and killed repeatedly."""

    def __init__(self, folder: Path, daemon: ShippedMaster | ShippedMinion) -> None:
        self.folder, self.etc, self.daemon = folder, folder / "etc", daemon
        daemon.environ = self.environment = dict(daemon.environ)  # the factories share one dict

    @property
    def pid(self) -> int:
        """The pid of its first process."""
        return int(self.daemon.pid)

    def start(self) -> None:
        """Starts it and checks that it does not end at once."""
        self.daemon.start()

    def signal(self, number: int) -> None:
        """Sends a signal to it and all its children."""
        if self.daemon.is_running():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """kill -9, with all children, and waits: one that is still dying would keep a new daemon from starting (pid file)."""
        if not self.daemon.is_running():
            return
        group = self.pid
        self.signal(signal.SIGKILL)
        self.daemon.terminate()
        until(lambda: not _lives(group), 30, f"{self.daemon} is dead")

    def stop(self) -> None:
        """Asks it to end, and kills it after 3 s: a minion would ignore SIGTERM for longer."""
        if self.daemon.is_running():
            os.kill(self.pid, signal.SIGTERM)
            ends = time.monotonic() + 3
            while self.daemon.is_running() and time.monotonic() < ends:
                time.sleep(0.1)
            self.kill()


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


class Master(SaltProcess):
    """A salt-master with the shipped configuration, our loader files and the dispatcher, for the service at ``url``.

    With ``twin`` it shares that master's keys, to serve the same minions (Salt's "hot" masters).
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        token_file: Path,
        name: str = MASTER_NAME,
        twin: "Master | None" = None,
        **more: Any,
    ) -> None:
        self.name, self.token_file = name, token_file
        self.ports = {"publish_port": free_port(), "ret_port": free_port()}
        self.keys = folder / "pki"
        (self.keys / "minions").mkdir(parents=True)
        if twin is None:
            make_keys("saltcellar", self.keys)
        else:
            shutil.copytree(twin.keys, self.keys, dirs_exist_ok=True)
        config = self._config(folder, url, token_file) | more
        made = factories().salt_master_daemon(
            name, defaults={"root_dir": folder}, overrides=config, factory_class=ShippedMaster
        )
        super().__init__(folder, made)

    def _config(self, folder: Path, url: str, token_file: Path) -> dict[str, Any]:
        asked = {"url": url, "token_file": str(token_file)}
        return {
            "include": f"{TOP}/salt/master.d/*.conf",
            "user": "root",
            "interface": "127.0.0.1",
            **self.ports,
            **salt_folders(folder),
            "pki_dir": str(self.keys),
            "pillar_roots": {"base": []},
            "file_roots": {"base": [str(TOP / "states")]},
            "runner_dirs": [str(TOP / "runners")],
            "saltcellar": asked,
            "ext_pillar": [{"http_json": {"url": f"{url}/pillar/%s", "token_file": str(token_file)}}],
            "engines": [{"dispatcher": {**asked, "name": self.name}}],
        }

    def run(self, function: str, *arguments: str, seconds: float = 120) -> tuple[int, Any]:
        """Runs salt-run --out=json; returns its exit code and result."""
        done = salt_commands.run("salt-run", "-c", self.etc, "--out=json", function, *arguments, seconds=seconds)
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else done.stderr

    def salt(self, node: str, function: str, *arguments: str, seconds: float = 60) -> Any:
        """Runs a function with the salt command; returns the node's answer, None if there is none."""
        command = ["salt", "-c", self.etc, "--out=json", "--static", "-t", seconds, node, function]
        try:
            done = salt_commands.run(*command, *arguments, seconds=seconds + 30)
        except subprocess.TimeoutExpired:
            return None  # The command keeps waiting for a node that is still coming up.
        _, brace, rest = done.stdout.partition("{")  # Before the JSON, Salt may print that it knows no such minion.
        return json.loads(brace + rest).get(node) if brace else None

    def dispatcher(self) -> psutil.Process | None:
        """The dispatcher's process: the one that has its lock open. None if there is none.

        Its name won't do: Salt names only the first one, and the ones that replace it have the name of any engine.
        """
        lock = str(self.folder / "cache" / "saltcellar" / "dispatcher.lock")
        for process in psutil.Process(self.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # It may just have ended.
                if any(file.path == lock for file in process.open_files()):
                    return process
        return None

    def accept(self, node: str, public_key: Path) -> None:
        """Accepts this key for the node."""
        (self.keys / "minions" / node).write_text(public_key.read_text())


class Minion(SaltProcess):
    """A salt-minion with the shipped configuration."""

    def __init__(self, folder: Path, node: str, master: Master, **more: Any) -> None:
        """``more`` is further configuration.

        ``masters``, if given, replaces the one master: addresses (``IP:PORT``), each with a different IP. The minion then has
        no ``publish_port``, which would apply to all of them; each master tells it where it publishes.
        """
        self.node, self.master = node, master
        masters = more.pop("masters", None)
        ports = {"master_port": master.ports["ret_port"], "publish_port": master.ports["publish_port"]}
        keys = folder / "pki"
        keys.mkdir(parents=True)
        make_keys("minion", keys)
        (keys / "minion_master.pub").write_text((master.keys / "saltcellar.pub").read_text())
        master.accept(node, keys / "minion.pub")
        config = {
            "include": f"{TOP}/salt/minion.d/*.conf",
            "id": node,
            "user": "root",
            **({"master": "127.0.0.1", **ports} if masters is None else {"master": masters}),
            "pki_dir": str(keys),
            **salt_folders(folder),
            "saltcellar": {"data": str(folder / "node")},
        }
        made = factories().salt_minion_daemon(
            node, defaults={"root_dir": folder}, overrides=config | more, factory_class=ShippedMinion
        )
        super().__init__(folder, made)

    def wait(self) -> None:
        """Waits until it answers the master."""
        until(lambda: self.master.salt(self.node, "test.ping", seconds=5) is True, 60, f"{self.node} answers")


def make_keys(name: str, folder: Path) -> None:
    """Makes a key pair, <name>.pem and <name>.pub, without salt-key, which would also set the folder up as a master's."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", private, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    private.chmod(0o400)


def salt_folders(folder: Path) -> dict[str, str]:
    """Folders and files that a Salt daemon writes to."""
    return {
        "root_dir": str(folder),
        "cachedir": str(folder / "cache"),
        "sock_dir": str(folder / "run"),
        "pidfile": str(folder / "run" / "salt.pid"),
        "log_file": str(folder / "salt.log"),
        "extension_modules": str(folder / "cache" / "extmods"),
    }
