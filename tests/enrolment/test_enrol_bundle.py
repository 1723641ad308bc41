"""enrol.sh with a Python environment of its own, from the bundle of wheels that the service hands out: no index is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ann import with_ann
from daemons import Service, running
from machine import Machine
from wheels import bundle


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine with a plain Python, at a service that hands out a bundle."""
    made = Service(tmp_path / "service")
    made.environment["CELLAR_NODE_BUNDLE"] = str(bundle(tmp_path / "wheels.tar.gz"))
    with running(made) as service:
        with_ann(service)
        machine = Machine(service, tmp_path)
        machine.environment |= {"CELLAR_ENROL_PYTHON": "", "PYTHONPATH": "", "PIP_INDEX_URL": "http://127.0.0.1:9"}
        yield machine
        machine.stop()


def test_a_node_installs_from_the_bundle_once_and_only_from_the_one_that_was_named(machine: Machine) -> None:
    script, file = machine.script(), machine.folder / "wheels.tar.gz"
    token, good = machine.token(), file.read_bytes()
    file.write_bytes(b"something else")
    other = machine.sh(f"sh {script} {token}")
    assert other.returncode == 1
    assert "another SHA-256" in other.stderr
    assert machine.left() == []

    file.write_bytes(good)
    done = machine.sh(f"sh {script} {token}")
    assert "has not heard of it yet" in done.stderr, done.stderr
    venv = machine.root / "opt/saltcellar/venv"
    assert f"in {venv}" in done.stdout
    assert machine.sh(f"{machine.launcher} status").stdout.startswith("runs")

    again = machine.sh(f"sh {script} {token}")
    assert "is there" in again.stdout
    assert machine.sh(f"sh {script} --reset").returncode == 0
    assert machine.left() == []
