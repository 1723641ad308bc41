"""A far node: a machine on a host of its own, which the real script makes a node of a service and a master.

The machine has only Python and installs everything from the service's bundle: its network reaches nothing else.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daemons import Service, running, until
from hosts import Host
from ports import free_ports
from salt_daemons import Master

sys.path.insert(0, str(Path(__file__).parent.parent / "enrolment"))  # for machine.py and wheels.py

from machine import Machine
from wheels import REAL_MINION
from wheels import bundle as wheels

from pillar_service.node.paths import Home
from pillar_service.usecases.nodes import bundles


class Place:
    """A service and a master that the host can reach, and the machine on it; ``masters`` is the address its minions use."""

    def __init__(self, folder: Path, host: Host) -> None:
        self.folder, self.host = folder, host
        self.service = Service(folder / "s")
        port = self.service.environment["CELLAR_PUBLIC_PORT"]
        self.service.public_url = f"http://{host.gateway}:{port}"
        self.service.environment |= {
            "CELLAR_PUBLIC_HOST": host.gateway,
            "CELLAR_PUBLIC_URL": self.service.public_url,
            "CELLAR_NODE_BUNDLE": str(wheels(folder / "wheels.tar.gz", REAL_MINION)),
            "CELLAR_BOT_PORTS": "{}-{}".format(*free_ports(10)),
            "CELLAR_BUNDLE_KEY": bundles.new_key(),
        }
        self.master = Master(folder / "m", self.service.url, self.service.token_file, interface=host.gateway)
        self.masters = f"{host.gateway}:{self.master.ports['ret_port']}"
        self.machine = Machine(self.service, folder, host.inside)
        self.machine.environment |= {
            "CELLAR_ENROL_PYTHON": "",
            "CELLAR_ENROL_WAIT": "120",
            "PYTHONPATH": "",
            "PIP_INDEX_URL": "http://127.0.0.1:9",
        }

    @property
    def home(self) -> Home:
        """The home of the node on the machine."""
        return Home(self.machine.root / "var/lib/saltcellar")

    def accepted(self, node: str) -> str:
        """The key that the master has accepted for the node; empty if none."""
        file = self.master.keys / "minions" / node
        return file.read_text() if file.exists() else ""

    def told(self, node: str, function: str, *arguments: str, seconds: float = 5) -> Any:
        """Runs a function on the node and returns its answer; None if there is none in time."""
        with contextlib.suppress(
            subprocess.TimeoutExpired
        ):  # The node may have said that it is working on it, and take long on a busy machine.
            return self.master.salt(node, function, *arguments, seconds=seconds)

    def answers(self, node: str) -> None:
        """Waits until the node answers the master."""
        until(lambda: self.told(node, "test.ping") is True, 120, f"{node} answers the master")

    def run(self, function: str, *arguments: str) -> Any:
        """Runs a runner and returns its result."""
        code, told = self.master.run(function, *arguments)
        assert code == 0, told
        return told

    def let_in(self, line: str) -> str:
        """Runs the pasted line on the machine; returns the id of the node that it becomes."""
        done = self.machine.sh(line)
        log = self.machine.root / "var/log/saltcellar/minion"
        more = log.read_text()[-3000:] if log.exists() else ""
        assert done.returncode == 0, done.stdout + done.stderr + more
        assert "answers   yes" in done.stdout
        return str(json.loads((self.machine.root / "etc/saltcellar/node.json").read_text())["node"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of everything here; its name is short because a socket's path may have at most 107 bytes."""
    return tmp_path_factory.mktemp("e")


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Place]:
    """The running place, without any accounts."""
    with running(Host()) as host:
        place = Place(folder, host)
        with running(place.service), running(place.master):
            yield place
