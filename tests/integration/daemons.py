"""The service as real processes for tests, on random ports and in one folder. Salt's daemons are in salt_daemons.py."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.request import urlopen

import service_commands
from ports import free_port

MASTER_NAME = "test-master"


def until(true: Callable[[], Any], seconds: float, what: str, every_s: float = 0.1) -> Any:
    """Waits until ``true`` returns something true, and returns that; otherwise raises an AssertionError that names ``what``."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            if found := true():
                return found
        time.sleep(every_s)
    raise AssertionError(f"Not within {seconds} s: {what}")


def around(settings: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process with these settings alone: a test in this process may have set others."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CELLAR_")} | dict(settings)


@dataclass
class Daemon:
    """A process in a process group of its own, so that it can be killed with all its children."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    output: IO[bytes] | None = None

    def start(self) -> None:
        """Starts it; its output goes to <folder>/<name>.out."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.output = (self.folder / f"{self.name}.out").open("ab")
        self.process = subprocess.Popen(
            self.command,
            env=around(self.environment),
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The pid of its first process."""
        assert self.process
        return self.process.pid

    def signal(self, number: int) -> None:
        """Sends a signal to it and all its children."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """kill -9, with all children."""
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
        """Asks it to end, and kills it and its children after at most 3 s."""
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        self.kill()
        if self.output is not None:
            self.output.close()


class Service:
    """Both apps of the service: ``url`` is the private app's, ``public_url`` the public one's.

    ``database`` is an address (by default, of an SQLite file in the folder); ``workers`` is the number for each app.
    """

    def __init__(self, folder: Path, database: str = "", workers: int = 1) -> None:
        self.folder = folder
        public, private = free_port(), free_port()
        self.url, self.public_url = f"http://127.0.0.1:{private}", f"http://127.0.0.1:{public}"
        self.token_file = folder / "master-token"
        self.environment = {
            "CELLAR_DATABASE": database or f"sqlite:///{folder}/cellar.db",
            "CELLAR_FILES": str(folder / "files"),
            "CELLAR_SECRET_KEY": "not-a-secret-" * 4,
            "CELLAR_PUBLIC_PORT": str(public),
            "CELLAR_PRIVATE_PORT": str(private),
            "CELLAR_ALLOW_PRIVATE": "yes",
            "CELLAR_WORKERS": str(workers),
            "CELLAR_MINION_D": str(Path(__file__).resolve().parents[2] / "salt" / "minion.d"),
            "CELLAR_CATALOGUE": str(Path(__file__).with_name("meeseeks")),
        }
        self.apps = {name: self._daemon(name) for name in ("public", "private")}

    def start(self) -> None:
        """Starts both apps; the first time, it also makes the database and a master's token."""
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
            until(lambda url=url: urlopen(f"{url}/healthz", timeout=2).status == 200, 60, f"{url} answers")

    def manage(self, *arguments: str) -> str:
        """Runs one of the service's commands; returns what it printed."""
        return self._printed(service_commands.run(*arguments, environment=around(self.environment)))

    def python(self, code: str, *arguments: str) -> str:
        """Runs some Python code with the service's settings; returns what it printed."""
        return self._printed(service_commands.python(code, *arguments, environment=around(self.environment)))

    def _printed(self, done: "subprocess.CompletedProcess[str]") -> str:
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

    def workers(self, app: str) -> list[int]:
        """The pids of an app's workers."""
        first = self.apps[app].pid
        return [int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split()]

    def _daemon(self, name: str) -> Daemon:
        return Daemon(name, [sys.executable, "-m", "pillar_service.web", "serve", name], self.folder, self.environment)


@contextlib.contextmanager
def running(daemon: Any) -> Iterator[Any]:
    """Starts a daemon, and stops it whatever happens."""
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()
