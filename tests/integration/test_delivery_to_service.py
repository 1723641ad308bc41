"""A node's delivery to the service under gunicorn, both killed meanwhile: each event arrives once and in order."""

import random
import threading
import time
from pathlib import Path
from typing import Any

import kept_events
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from daemons import Service, running

from pillar_service.core.nodes.signatures import MINION_KEY
from pillar_service.node.delivery import Delivery
from pillar_service.node.paths import Home
from pillar_service.node.signing import Signer
from pillar_service.node.spool import Spool
from pillar_service.node.told import Told

pytestmark = pytest.mark.slow

NODE, KIND = "cellar-9", "org.example.thing"
EVENTS, STREAMS, KILLS = 1500, 3, 3
TEXT = "x" * 4000
"""About sixty such events fill a batch."""


class Node:
    """A node with its spool on disk; its clock moves on by a minute with each step."""

    def __init__(self, folder: Path, service: dict[str, Any]) -> None:
        self.folder, self.told, self.now = folder, Told(service=service), 0.0
        self.spool = Spool(Home(folder))
        self.boot()

    def boot(self) -> None:
        """Start anew as after a kill: only what is on the disk is known."""
        self.delivery = Delivery(Spool(Home(self.folder)), lambda: self.told, Signer(NODE, self.folder))

    def step(self) -> None:
        self.delivery.run(self.now)
        self.now += 60.0
        time.sleep(0.01)


def make_key(folder: Path) -> Path:
    """Write a minion's key into its folder; return the file with the public half."""
    key = rsa.generate_private_key(65537, 2048)
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    kind = serialization.PrivateFormat.TraditionalOpenSSL  # As Salt writes it.
    (folder / "minion.pem").write_bytes(key.private_bytes(encoding, kind, plain))
    public = folder / "minion.pub"
    public.write_bytes(key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))
    return public


def pillar_of(service: Service) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {service.token_file.read_text().strip()}"}
    answer = requests.get(f"{service.url}/pillar/{NODE}", headers=headers, timeout=20)
    return dict(answer.json()["saltcellar"]["service"])


def kill_amid(service: Service, node: Node, chance: random.Random) -> None:
    """Kill the public app while the node delivers, restart the node too, and bring both back."""
    public = service.apps["public"]

    def kill() -> None:
        time.sleep(chance.uniform(0, 0.1))
        public.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    while killer.is_alive():
        node.step()
    node.step()  # Here nothing answers.
    node.boot()
    public.start()
    service.wait()
    for _ in range(3):
        node.step()


def test_each_event_is_there_once_and_in_order_whatever_dies(tmp_path: Path) -> None:
    chance = random.Random(7)
    with running(Service(tmp_path / "service")) as service:
        service.manage("node-add", NODE, "--ports", "20000-20009")
        service.manage("node-key", NODE, str(make_key(tmp_path)))
        told = pillar_of(service)
        assert told["auth"] == MINION_KEY
        node = Node(tmp_path, {**told, "url": service.public_url})
        for n in range(EVENTS):
            node.spool.put(KIND, NODE, {"n": n, "text": TEXT}, stream=f"s{n % STREAMS}")
        for _ in range(KILLS):
            kill_amid(service, node, chance)
            assert node.spool.status()["waiting"] > 0, "all was there before anything died: this shows nothing"
        ends = time.monotonic() + 120
        while node.spool.status()["waiting"] and time.monotonic() < ends:
            node.step()
        status = node.spool.status()
        assert (status["waiting"], status["dead"]) == (0, 0)
        assert kept_events.numbers(service, NODE, KIND) == kept_events.by_stream(range(EVENTS), STREAMS)
