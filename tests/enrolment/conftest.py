"""A running service, and a scratch machine for the script to work on."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for name in ("integration", "usecases"):  # for daemons.py (the service) and enrolling.py (machines' keys)
    sys.path.insert(0, str(Path(__file__).parent.parent / name))

from ann import with_ann  # noqa: E402
from daemons import Service, running  # noqa: E402
from machine import Machine  # noqa: E402


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Both apps of the service, where Ann has an account."""
    with running(Service(tmp_path_factory.mktemp("s"))) as service:
        with_ann(service)
        yield service


@pytest.fixture
def machine(service: Service, tmp_path: Path) -> Iterator[Machine]:
    """A machine without anything of a node."""
    machine = Machine(service, tmp_path)
    yield machine
    machine.stop()
