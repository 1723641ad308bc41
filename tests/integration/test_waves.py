"""Two nodes are upgraded in waves: the real service and its watchman, real environments, launchers and change-overs."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from daemons import Service, running, until

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS / "enrolment"), str(TESTS / "usecases")]

import wheels  # noqa: E402
from ann import with_ann  # noqa: E402
from small_node import Node  # noqa: E402

from pillar_service import __version__  # noqa: E402
from pillar_service.core.errors import SaltcellarError  # noqa: E402
from pillar_service.master.client import Client  # noqa: E402
from pillar_service.node.enrolment import joining  # noqa: E402
from pillar_service.node.enrolment.site import Site  # noqa: E402

pytestmark = pytest.mark.campaign

# The agent's duties that an upgrade needs, without Salt and bots.
NODE = """#!python
import json, sys, threading, time
from importlib import metadata
from pathlib import Path
from pillar_service.node.delivery import Delivery
from pillar_service.node.facts import Facts
from pillar_service.node.lifecycle import Beat
from pillar_service.node.paths import Home
from pillar_service.node.signing import Signer
from pillar_service.node.spool import Spool
from pillar_service.node.told import Told
from pillar_service.node.upgrading import duty
duty.ASK_EVERY_S = 1.0
root = Path(sys.prefix).parents[2]
home, who = Home(root / "data"), json.loads((root / "service.json").read_text())
told = lambda: Told(service=who)
(root / "runs").write_text(metadata.version("saltcellar"))
def go(one):
    while True:
        one.run(time.monotonic())
        time.sleep(0.5)
duties = [
    Delivery(Spool(home), told, Signer(who["node"], root / "etc/saltcellar/pki")),
    Facts(who["node"], Spool(home), lambda: {}, told, lambda: duty.state(home)),
    Beat(home, who["node"], Spool(home), "3008"),
    duty.Upgrading(home, told),
]
for one in duties:
    threading.Thread(target=go, args=(one,)).start()
"""
BROKEN = "#!python\nraise SystemExit('no such module')\n"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path / "service")
    (tmp_path / "service").mkdir()
    made.environment["CELLAR_NODE_BUNDLE"] = str(tmp_path / "bundle.tar.gz")
    with running(made) as service:
        with_ann(service)
        yield service


@pytest.fixture
def client(service: Service) -> Client:
    return Client(service.url, service.token_file, 20, "operator")


@pytest.fixture
def two(service: Service, client: Client, tmp_path: Path) -> Iterator[list[Node]]:
    """Two nodes of Ann's that run an older version."""
    token = client.enrolment_token({"account": "ann@example.org", "uses": 2, "labels": {"site": "shed"}})["secret"]
    wheels.bundle(tmp_path / "bundle.tar.gz", BROKEN)  # It has the service's version, but does not work.
    made = []
    for name in ("a", "b"):
        root = tmp_path / name
        answer = joining.join(Site(root), service.public_url, name, token)
        headers = {"Authorization": f"Bearer {service.token_file.read_text().strip()}"}
        pillar = requests.get(f"{service.url}/pillar/{answer['node']}", headers=headers, timeout=20).json()
        told = pillar["saltcellar"]["service"] | {"url": service.public_url, "node": answer["node"]}
        made.append(Node(root, told, NODE))
        made[-1].launch("start")
    until(lambda: [facts(client, node) for node in names(client)] == ["0.0.1"] * 2, 60, "both told what they are")
    yield made
    for node in made:
        node.launch("stop")


def names(client: Client) -> list[str]:
    return sorted(one["id"] for one in client.nodes())


def facts(client: Client, node: str) -> Any:
    return client.facts(node)["facts"].get("versions", {}).get("saltcellar")


def test_a_wave_that_fails_stops_and_one_that_works_goes_on(two: list[Node], client: Client, tmp_path: Path) -> None:
    told = {"selector": "site=shed", "waves": "1,rest", "deadline": "10m"}
    first = client.upgrade_nodes(told)["id"]
    until(lambda: client.upgrade_of_nodes(first)["state"] == "stopped", 120, "the broken version stops it")
    stopped = client.upgrade_of_nodes(first)
    assert "It could not load" in stopped["said"] or "the one before is back" in stopped["said"]
    assert [one["state"] for one in stopped["nodes"]] == ["failed", "waiting"]
    two[0].until(lambda: two[0].runs() == "0.0.1", "the first is as it was")
    assert not two[1].state(), "the second was never asked"
    with pytest.raises(SaltcellarError, match="cancel or resume"):
        client.upgrade_nodes(told)
    client.cancel_upgrade(first)

    shutil.move(wheels.bundle(tmp_path / "good.tar.gz", NODE), tmp_path / "bundle.tar.gz")
    second = client.upgrade_nodes(told)["id"]
    until(lambda: client.upgrade_of_nodes(second)["state"] != "running", 240, "both are the new version")
    assert client.upgrade_of_nodes(second)["said"] == ""
    assert client.upgrade_of_nodes(second)["state"] == "done"
    assert [node.runs() for node in two] == [__version__] * 2
    asked = {one["node"]: one["asked_at"] for one in client.upgrade_of_nodes(second)["nodes"]}
    assert asked[names(client)[0]] < asked[names(client)[1]]
