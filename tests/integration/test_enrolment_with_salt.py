"""A machine comes in by the real script to a real salt-master, is cut off, comes back, and changes its key."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daemons import Service, running, until
from salt_daemons import Master, Minion

sys.path.insert(0, str(Path(__file__).parent.parent / "enrolment"))  # machine.py

from machine import Machine

CUT_OFF_S = 5.0
"""How soon a node must be cut off."""


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Master]:
    """A master at a service of its own, where Ann has an account."""
    folder = tmp_path_factory.mktemp("e")
    with running(Service(folder / "s")) as service:
        service.manage("node-add", "cellar-1")
        with running(Master(folder / "m", service.url, service.token_file)) as master:
            master.service = service  # type: ignore[attr-defined]
            made, _ = master.run("accounts.create", "ann@example.org")
            assert made == 0
            yield master


@pytest.fixture
def machine(master: Master, tmp_path: Path) -> Iterator[Machine]:
    """A machine with a real minion, not let in yet."""
    machine = Machine(master.service, tmp_path)  # type: ignore[attr-defined]
    machine.environment |= {"CELLAR_ENROL_PYTHON": sys.executable, "CELLAR_ENROL_WAIT": "90"}
    yield machine
    machine.stop()


def runner(master: Master, function: str, *arguments: str) -> Any:
    code, told = master.run(function, *arguments)
    assert code == 0, told
    return told


def token(master: Master, *arguments: str) -> str:
    return str(runner(master, "nodes.token", "account=ann@example.org", *arguments)["secret"])


def let_in(master: Master, machine: Machine, *arguments: str) -> str:
    done = machine.run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr + log(machine)
    assert "answers   yes" in done.stdout
    return str(json.loads((machine.root / "etc/saltcellar/node.json").read_text())["node"])


def log(machine: Machine) -> str:
    file = machine.root / "var/log/saltcellar/minion"
    return file.read_text()[-3000:] if file.exists() else ""


def pings(master: Master, node: str, seconds: float = 5) -> bool:
    return master.salt(node, "test.ping", seconds=seconds) is True


def test_from_a_token_to_a_node_that_is_cut_off_and_comes_back(master: Master, machine: Machine) -> None:
    minion = Minion(machine.folder / "of-the-place", "cellar-1", master)
    with running(minion):
        minion.wait()
        node = let_in(master, machine, token(master, "environment=prd"))
        until(lambda: pings(master, node), 30, f"{node} answers the master")
        until(lambda: master.salt(node, "grains.get", "labels:environment") == "prd", 60, "its labels are grains")
        stranger = (master.keys / "minions" / "cellar-1").read_bytes()

        began = time.monotonic()
        assert runner(master, "nodes.revoke", node)["key"]["state"] == "revoked"
        until(lambda: (master.keys / "minions_rejected" / node).exists(), 5, "the master refuses the key")
        assert not pings(master, node, 1)
        assert time.monotonic() - began < CUT_OFF_S + 10, "the runners' own starts are in that"
        assert (master.keys / "minions" / "cellar-1").read_bytes() == stranger, "nobody else's key is touched"
        until(lambda: pings(master, "cellar-1"), 60, "who was not cut off goes on")
        assert not pings(master, node, 2), "and it stays cut off"

        refused = machine.run(token(master))
        assert "--new-key" in refused.stderr
        assert let_in(master, machine, token(master), "--new-key") == node
        until(lambda: pings(master, node), 30, f"{node} is back")


def test_a_node_gives_itself_another_key(master: Master, machine: Machine) -> None:
    node = let_in(master, machine, token(master))
    until(lambda: pings(master, node), 30, f"{node} answers the master")
    before = (master.keys / "minions" / node).read_text()
    told = runner(master, "nodes.rotate", node)
    assert told["state"] == "accepted"
    until(lambda: (master.keys / "minions" / node).read_text() != before, 10, "the master has the new key")
    until(lambda: pings(master, node), 60, f"{node} answers with it")
