"""enrol.sh makes its own Python environment from the bundle of wheels that the service hands out, without PyPI."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ann import with_ann
from daemons import Service, running
from machine import Machine
from wheels import bundle

from pillar_service import __version__

pytestmark = pytest.mark.slow


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine with a plain Python, and a service that hands out a bundle."""
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


def newer(machine: Machine) -> Path:
    """The script and its bundle as served after the service has been upgraded."""
    bundle(machine.folder / "wheels.tar.gz", version="9.9.9")
    script = machine.script()
    text = script.read_text()
    script.write_text(text.replace(f"version={__version__}", "version=9.9.9"))
    return script


def version(machine: Machine) -> str:
    """The version of saltcellar on the node."""
    python = machine.root / "opt/saltcellar/venv/bin/python"
    return machine.sh(
        f"{python} -I -c 'from importlib import metadata; print(metadata.version(\"saltcellar\"))'"
    ).stdout.strip()


def test_a_node_is_another_version_only_once_that_is_made(machine: Machine) -> None:
    token = machine.token()
    machine.sh(f"sh {machine.script()} {token}")
    runs = machine.sh(f"{machine.launcher} status").stdout
    assert runs.startswith("runs")
    script = newer(machine)
    good = (machine.folder / "wheels.tar.gz").read_bytes()

    old = machine.sh(f"sh {script} {token}")
    assert "with a working token it would become saltcellar 9.9.9" in old.stdout, old.stderr
    runs = machine.sh(f"{machine.launcher} status").stdout
    assert (runs.startswith("runs"), version(machine)) == (True, __version__)

    (machine.folder / "wheels.tar.gz").write_bytes(b"something else")
    broken = machine.sh(f"sh {script} {machine.token()}")
    assert "another SHA-256" in broken.stderr
    assert (machine.sh(f"{machine.launcher} status").stdout, version(machine)) == (runs, __version__)

    (machine.folder / "wheels.tar.gz").write_bytes(good)
    opt = machine.root / "opt/saltcellar"
    in_the_way = opt / "bin/cellar-submit.part"
    in_the_way.mkdir()
    halfway = machine.sh(f"sh {script} {machine.token()}")
    assert (halfway.returncode, "cellar-submit.part" in halfway.stderr) == (2, True), halfway.stderr
    assert machine.sh(f"{machine.launcher} status").stdout.startswith("runs"), "it had been stopped for the change"
    in_the_way.rmdir()

    done = machine.sh(f"sh {script} {machine.token()}")
    assert "has not heard of it yet" in done.stderr or "answers" in done.stdout, done.stderr
    assert version(machine) == "9.9.9"
    assert machine.sh(f"{machine.launcher} status").stdout.startswith("runs")
    assert sorted(path.name for path in opt.iterdir()) == ["bin", "made", "venv"]
    assert (opt / "venv/bin/salt-minion").read_text().startswith(f"#!{opt}/venv/bin/python")


def test_a_python_for_which_there_are_no_wheels_is_said(machine: Machine) -> None:
    script = machine.script()
    script.write_text(
        script.read_text()
        .replace("fits=''", "fits=3.99-vax")
        .replace("needed='Python 3.11 or newer'", "needed='Python 3.99 on vax'")
    )
    done = machine.sh(f"sh {script} {machine.token()}")
    assert done.returncode == 1
    assert "has wheels for Python 3.99 on vax, and this machine has Python 3." in done.stderr
    assert machine.left() == []
