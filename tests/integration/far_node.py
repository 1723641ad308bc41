"""A node that is far away: a machine on a host of its own that becomes one by the real script, and what it reaches.

It has a bare Python; what it installs comes from the service's bundle, for its network reaches nothing else.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from campaigns import free_ports
from daemons import Service, running, until
from hosts import Host
from salt_daemons import Master

sys.path.insert(0, str(Path(__file__).parent.parent / "enrolment"))  # machine.py, wheels.py

from machine import Machine
from wheels import REAL_MINION
from wheels import bundle as wheels

from pillar_service.node.paths import Home
from pillar_service.usecases.nodes import bundles


class Place:
    """A service and a master at an address that the host reaches, and the machine there; ``masters`` is where minions ask."""

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
        """Where the node on the machine keeps what is its own."""
        return Home(self.machine.root / "var/lib/saltcellar")

    def accepted(self, node: str) -> str:
        """The key of a node that the master accepts; empty when it accepts none."""
        file = self.master.keys / "minions" / node
        return file.read_text() if file.exists() else ""

    def told(self, node: str, function: str, *arguments: str, seconds: float = 5) -> Any:
        """What a node returns; None when it does not answer in time."""
        with contextlib.suppress(
            subprocess.TimeoutExpired
        ):  # it said that it works on it, and a busy machine takes long
            return self.master.salt(node, function, *arguments, seconds=seconds)

    def answers(self, node: str) -> None:
        """Waits until a node answers the master."""
        until(lambda: self.told(node, "test.ping") is True, 120, f"{node} answers the master")

    def run(self, function: str, *arguments: str) -> Any:
        """What a runner returns."""
        code, told = self.master.run(function, *arguments)
        assert code == 0, told
        return told

    def let_in(self, line: str) -> str:
        """The node that this machine becomes by what is pasted there."""
        done = self.machine.sh(line)
        log = self.machine.root / "var/log/saltcellar/minion"
        more = log.read_text()[-3000:] if log.exists() else ""
        assert done.returncode == 0, done.stdout + done.stderr + more
        assert "answers   yes" in done.stdout
        return str(json.loads((self.machine.root / "etc/saltcellar/node.json").read_text())["node"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all of it writes; short: a socket's path may have 107 bytes."""
    return tmp_path_factory.mktemp("e")


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Place]:
    """The place, running, where nobody has an account yet."""
    with running(Host()) as host:
        place = Place(folder, host)
        with running(place.service), running(place.master):
            yield place
