"""The service's command line and server as separate processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests
import service_commands
from ports import free_port

ROOT = Path(__file__).parent.parent.parent


def until_it_answers(url: str) -> None:
    """Wait until the server at this address, which was just started, answers."""
    ends = time.monotonic() + 60  # It takes two seconds of processor time, and the machine may be busy.
    while time.monotonic() < ends:
        try:
            requests.get(f"{url}/healthz", timeout=1)
            return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.05)
    raise AssertionError("the server did not start")


class Process:
    """The service's command line with a test's settings."""

    def __init__(self, environment: dict[str, str], address: str) -> None:
        self.environment = {**os.environ, **environment, "CELLAR_DATABASE": address, "PYTHONPATH": str(ROOT)}
        self.port = free_port()
        self.environment |= {"CELLAR_PRIVATE_PORT": str(self.port), "CELLAR_WORKERS": "2", "CELLAR_THREADS": "4"}
        self.url = f"http://127.0.0.1:{self.port}"
        self.server: subprocess.Popen[bytes] | None = None
        self.successors: list[int] = []
        self.log = Path(os.devnull)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return service_commands.run(*words, environment=self.environment)

    def serve(self, *more: str) -> None:
        command = [sys.executable, "-m", "pillar_service.web", "serve", "private", *more]
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(command, env=self.environment, stderr=log, start_new_session=True)
        until_it_answers(self.url)

    def restart(self, pid: int) -> int:
        """Let another server take over from the one with this pid; return the other's pid."""
        done = self.run("restart", str(pid))
        assert done.returncode == 0, done.stderr
        self.successors = [int(done.stdout)]
        return self.successors[0]

    def kill(self, how: signal.Signals) -> None:
        if self.server is not None and self.server.poll() is None:
            os.killpg(self.server.pid, how)
            self.server.wait(15)


def served(process: Process, tmp_path: Path) -> requests.Session:
    for step in (["migrate"], ["node-add", "cellar-1"], ["master-token", "salt", "--file", str(tmp_path / "token")]):
        assert process.run(*step).returncode == 0
    process.serve()
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {(tmp_path / 'token').read_text().strip()}"
    return session
