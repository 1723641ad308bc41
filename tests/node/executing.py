"""A node's executor with the real service, which it reaches through the real door."""

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from pillar_service.core.people import tokens
from pillar_service.node.executor.running import Executor
from pillar_service.node.paths import Home
from pillar_service.node.told import Told
from pillar_service.store.database import release, transaction
from pillar_service.store.jobs import jobs, outputs
from pillar_service.usecases.jobs import executing

ROOT = Path(__file__).resolve().parents[2]
NODE = "cellar-1"

OUTSIDE = """
import json, re, sys
from pathlib import Path
from pillar_service.node.executor.running import Executor
from pillar_service.node.paths import Home
from pillar_service.node.told import Told
asked = json.load(sys.stdin)
told = Told(commands=asked["commands"], service=asked["service"])
ran = Executor(Home(Path(asked["home"])), asked["node"], told, lambda _: None, None).run(*asked["run"])
[most] = re.findall(r"VmHWM:\\s+([0-9]+)", Path("/proc/self/status").read_text())
print(json.dumps({"outcome": ran, "memory_kb": int(most)}))
"""
"""Runs a job in a process of its own, as Salt makes one for each job."""


class Cellar:
    """The service on a port of its own, a node's home, and the commands that the node's pillar lists."""

    def __init__(self, home: Home, app: Any, secret: str) -> None:
        self.home, self.app = home, app
        self.commands: dict[str, dict[str, Any]] = {}
        self.files: dict[str, str] = {}
        self.call: Callable = lambda name, arguments, keywords: (None, 0)
        self._kept = socket.socket()  # Bound without listening, so that the port stays ours while the service is away.
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", 0))
        self.port = self._kept.getsockname()[1]
        self.start()
        self.service = {"url": f"http://127.0.0.1:{self.port}", "token": tokens.node_token(secret, NODE)}

    def stop(self) -> None:
        """Stop the service for a while."""
        self._server.shutdown()
        self._server.server_close()

    def start(self) -> None:
        """Start the service, always on the same port."""
        self._server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def end(self) -> None:
        """Stop the service for good."""
        self.stop()
        self._kept.close()

    def shell(self, script: str, **entry: Any) -> None:
        """Make this shell script the pillar's command `x`; ``entry`` has more of the command's fields."""
        self.commands["x"] = {"argv": ["/bin/sh", "-c", script], "timeout_s": 30} | entry

    @property
    def told(self) -> Told:
        return Told(commands=self.commands, service=self.service)

    def ask(self, node: str = NODE, attempt: int = 1, **given: str) -> str:
        """Make a job that has been published to a node, with these secret arguments; return its id."""
        id, now = secrets.token_hex(8), time.time()
        plan = {"function": "meeseeks.run", "arguments": [], "keywords": {}, "is_guarded": True, "leading": []}
        plan |= {"timeout_s": 60, "retry_safe": False, "secrets": executing.sealed(id, given)}
        with transaction():
            jobs.add(
                id=id, command="x", node=node, state="running", arguments={}, attempts=attempt, actor="test",
                fingerprint="x", created_at=now, not_before=now, plan=plan,
            )  # fmt: skip
        release()
        return id

    def executor(self) -> Executor:
        return Executor(self.home, NODE, self.told, self.files.get, self.call)

    def run(self, job: str | None = None, attempt: int = 1, command: str = "x", **arguments: Any) -> dict[str, Any]:
        """Run an attempt of a job (by default, of a new one) in this process."""
        return self.executor().run(job or self.ask(), attempt, command, arguments)

    def outside(self, job: str, attempt: int = 1, **more: Any) -> subprocess.Popen:
        """Run an attempt in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-c", OUTSIDE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)} | more,
        )  # fmt: skip
        asked = {"home": str(self.home.root), "node": NODE, "commands": self.commands, "service": self.service}
        assert process.stdin
        process.stdin.write(json.dumps(asked | {"run": [job, attempt, "x", {}]}))
        process.stdin.close()
        process.stdin = None
        return process

    def lines(self, job: str) -> list[tuple[str | None, str]]:
        """The stream and text of each line that the service has."""
        return [(line.stream, line.text) for line in outputs.lines(job)]

    def begun(self, job: str) -> int | None:
        found = jobs.find(job)
        assert found
        return found.begun


def until(what: Callable[[], Any], within_s: float = 10.0) -> Any:
    """Wait until ``what`` returns something true, and return it; fail after ``within_s`` seconds."""
    end = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)
    return found


def alive(mark: str) -> list[int]:
    """The pids of living processes with this mark in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told, status = (folder / "cmdline").read_bytes(), (folder / "stat").read_text()
        except OSError:
            continue
        if mark.encode() in told and status.rpartition(")")[2].split()[0] != "Z" and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found
