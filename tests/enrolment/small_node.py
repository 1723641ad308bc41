"""A node as enrol.sh would make it, but without Salt: a script runs in place of its minion."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import wheels

LAUNCHER = wheels.TOP / "pillar_service" / "web" / "scripts" / "launcher.sh"


class Node:
    """A node as made by enrol.sh, below a root of its own."""

    def __init__(self, root: Path, told: dict[str, Any], script: str) -> None:
        self.root, self.opt = root, root / "opt" / "saltcellar"
        (self.opt / "bin").mkdir(parents=True)
        for folder in ("var/log/saltcellar", "run/saltcellar", "data/state"):
            (root / folder).mkdir(parents=True)
        (root / "service.json").write_text(json.dumps(told))
        told = f"root='{root}' etc='{root}/etc' python='{self.opt}/venv/bin/python' unit='' path=''\n"
        launcher = self.opt / "bin" / "saltcellar-node"
        launcher.write_text(f"#!/bin/sh\nset -eu\n{told}{LAUNCHER.read_text()}")
        launcher.chmod(0o755)
        subprocess.run([sys.executable, "-m", "venv", self.opt / "venv"], check=True)
        wheel = root / "saltcellar-0.0.1-py3-none-any.whl"
        wheel.write_bytes(wheels.wheel(script, "0.0.1"))
        subprocess.run([self.opt / "venv/bin/pip", "install", "-q", "--no-index", wheel], check=True)

    def launch(self, act: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "INVOCATION_ID")}
        command = [str(self.opt / "bin" / "saltcellar-node"), act]
        subprocess.run(command, env={**environment, "CELLAR_SWITCH_WAIT": "8"}, check=True, timeout=60)

    def state(self) -> dict[str, Any]:
        file = self.root / "data/state/upgrade.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def runs(self) -> str:
        return (self.root / "runs").read_text() if (self.root / "runs").exists() else ""

    def until(self, true: Callable[[], bool], what: str, seconds: float = 90) -> None:
        ends = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < ends, f"{what}: {self.state()} {self.log()}"
            time.sleep(0.2)

    def log(self) -> str:
        files = (self.root / "var/log/saltcellar/node.out", self.opt / "switch.log")
        return "".join(file.read_text()[-1500:] for file in files if file.exists())
