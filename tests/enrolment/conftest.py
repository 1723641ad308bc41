"""A service that answers, and a scratch machine for the script to work on."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for name in ("integration", "usecases"):  # daemons.py: the service; enrolling.py: keys of machines
    sys.path.insert(0, str(Path(__file__).parent.parent / name))

from ann import with_ann  # noqa: E402
from daemons import Service, running  # noqa: E402
from machine import Machine  # noqa: E402


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service's two apps, where Ann has an account."""
    with running(Service(tmp_path_factory.mktemp("s"))) as service:
        with_ann(service)
        yield service


@pytest.fixture
def machine(service: Service, tmp_path: Path) -> Iterator[Machine]:
    """A machine that has nothing of a node yet."""
    machine = Machine(service, tmp_path)
    yield machine
    machine.stop()
