"""The whole of Saltcellar: the service, a master with its dispatcher, and two minions.

conftest.py in this folder imports these fixtures, and so do the browser's tests on a real pub.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from campaigns import swept
from daemons import Service, running
from ports import free_ports
from salt_daemons import Master, Minion

from pillar_service.master.client import Client


@pytest.fixture(scope="session")
def cellar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of all daemons; its name is short, as sockets' paths are limited. Containers in it are removed at the end."""
    folder = tmp_path_factory.mktemp("c")
    with swept(folder):
        yield folder


@pytest.fixture(scope="session")
def service(cellar: Path) -> Iterator[Service]:
    """The service on SQLite, both apps on random ports, with the nodes cellar-1 and cellar-2."""
    with running(Service(cellar / "service")) as service:
        for node in ("cellar-1", "cellar-2"):
            service.manage("node-add", node, "--ports", "{}-{}".format(*free_ports(100)))
        yield service


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A Docker client, to see what is really there."""
    with contextlib.closing(docker.from_env()) as engine:
        yield engine


@pytest.fixture(scope="session")
def client(service: Service) -> Client:
    """A client of the private app, as runners use it."""
    return Client(service.url, str(service.token_file), actor="tester")


@pytest.fixture(scope="session")
def master(cellar: Path, service: Service) -> Iterator[Master]:
    """A master with the shipped configuration and the dispatcher."""
    with running(Master(cellar / "master", service.url, service.token_file)) as master:
        yield master


@pytest.fixture(scope="session")
def minions(cellar: Path, master: Master) -> Iterator[dict[str, Minion]]:
    """Both minions by name, once they answer."""
    minions = {node: Minion(cellar / node, node, master) for node in ("cellar-1", "cellar-2")}
    with running(minions["cellar-1"]), running(minions["cellar-2"]):  # Both start before either is waited for.
        for minion in minions.values():
            minion.wait()
        yield minions


@pytest.fixture(scope="session")
def cellar_1(minions: dict[str, Minion]) -> Minion:
    """The minion cellar-1, once it answers."""
    return minions["cellar-1"]


@pytest.fixture(scope="session")
def cellar_2(minions: dict[str, Minion]) -> Minion:
    """The minion cellar-2, once it answers."""
    return minions["cellar-2"]
