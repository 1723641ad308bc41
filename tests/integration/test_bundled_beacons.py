"""A published beacon runs on a real minion and its event reaches the service; once taken out of the bundle, it stops."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kept_events
import pytest
from daemons import Service, running, until
from salt_daemons import Master, Minion

from pillar_service.core.nodes.bundles import Event
from pillar_service.usecases.nodes import bundles

pytestmark = pytest.mark.slow

NODE = "bundled-1"
WARM = """
def beacon(config):
    with open(config[0]["file"]) as file:
        return [{"degrees": int(file.read()), "node": __grains__["id"], "answers": __salt__["test.ping"]()}]
"""
WITHIN_S = 150
"""Seconds. A node looks for a new bundle every minute, and the machine may be busy."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that signs bundles."""
    service = Service(tmp_path_factory.mktemp("b"))
    service.environment["CELLAR_BUNDLE_KEY"] = bundles.new_key()
    with running(service):
        service.manage("node-add", NODE)
        yield service


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, service: Service) -> Iterator[Minion]:
    """A node whose operator has configured the beacon."""
    folder = tmp_path_factory.mktemp("b")
    room = folder / "room"
    room.write_text("31")
    with running(Master(folder / "m", service.url, service.token_file)) as master:
        ours = {"data": str(folder / NODE / "node"), "bundles": {"settings": {"warm": {"file": str(room)}}}}
        minion = Minion(folder / NODE, NODE, master, saltcellar=ours)
        service.manage("node-key", NODE, str(minion.folder / "pki" / "minion.pub"))
        with running(minion):
            minion.wait()
            yield minion


def published(node: Minion, folder: Path, **files: str) -> None:
    for path, content in files.items():
        kind, _, name = path.partition("_")
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / f"{name}.py").write_text(content)
    code, told = node.master.run("nodes.publish", str(folder))
    assert code == 0, told


def fired(service: Service) -> list[Any]:
    return [data for _, data in kept_events.of(service, NODE, Event.FIRED)]


def test_a_beacon_runs_while_its_bundle_holds_it(service: Service, node: Minion, tmp_path: Path) -> None:
    published(node, tmp_path / "first", beacons_warm=WARM)
    until(lambda: fired(service), WITHIN_S, "it fires, and the service hears it", every_s=1)
    assert fired(service)[0] == {"degrees": 31, "node": NODE, "answers": True}
    folder = node.folder / "node/bundles/current/beacons"
    (folder / "forged.py").write_text(WARM.replace("int(file.read())", "-1").replace("warm", "forged"))
    (folder / "warm.py").write_text(WARM.replace("int(file.read())", "-1"))
    os.sync()
    time.sleep(12)
    assert {one["degrees"] for one in fired(service)} == {31}

    published(node, tmp_path / "second", checks_well="x")
    until(lambda: len(kept_events.of(service, NODE, Event.TAKEN)) == 2, WITHIN_S, "the next one is in use", every_s=1)
    time.sleep(8)
    last = len(fired(service))
    time.sleep(10)
    assert len(fired(service)) == last
