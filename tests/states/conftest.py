"""Nodes on the real Docker engine, with the real pub image; they clean up after themselves."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from masterless import IMAGE, ROOT, Node


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    client.ping()
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The real pub image, built unless it is there."""
    logs = {"SALTCELLAR_LOG_DIR": str(tmp_path_factory.mktemp("log"))}
    subprocess.run([ROOT / "vagrant" / "pub-image.sh"], env=os.environ | logs, check=True)
    engine.images.get(IMAGE)
    return IMAGE


@pytest.fixture(scope="session")
def salt_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all nodes, with our modules synced into it."""
    cache = tmp_path_factory.mktemp("salt-cache")
    folder = tmp_path_factory.mktemp("salt-sync")
    synced = Node(folder, cache, None).call("saltutil.sync_all")
    assert synced["states"], synced
    return cache


@pytest.fixture
def make_node(engine, image, salt_cache, tmp_path_factory) -> Iterator[Callable[[], Node]]:
    nodes = []

    def make() -> Node:
        nodes.append(Node(tmp_path_factory.mktemp("node"), salt_cache, engine))
        return nodes[-1]

    yield make
    for node in nodes:
        node.clear()


@pytest.fixture
def node(make_node) -> Node:
    return make_node()
