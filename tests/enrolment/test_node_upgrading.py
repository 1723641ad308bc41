"""A node upgrades itself: real environments, pip, launcher and change-over; only the service is a fake at the wire."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wheels
from answering import answering
from small_node import Node
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

pytestmark = pytest.mark.slow

# Runs in place of Salt's minion: only the duty, as the agent runs it; writes down which version it is.
NODE = """#!python
import json, sys, time
from importlib import metadata
from pathlib import Path
from pillar_service.node.paths import Home
from pillar_service.node.told import Told
from pillar_service.node.upgrading import duty
duty.ASK_EVERY_S = 0.5
root = Path(sys.prefix).parents[2]
one = duty.Upgrading(Home(root / "data"), lambda: Told(service=json.loads((root / "service.json").read_text())))
(root / "runs").write_text(metadata.version("saltcellar"))
while True:
    one.run(time.monotonic())
    time.sleep(0.1)
"""
BROKEN = "#!python\nraise SystemExit('no such module')\n"


class Service:
    """The part of the nodes' door that is about upgrades."""

    def __init__(self) -> None:
        self.wanted: dict[str, Any] | None = None
        self.bundle = b""
        self.busy = 0
        self.server = make_server("127.0.0.1", 0, self.answer, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def answer(self) -> Any:
        @Request.application
        def answered(request: Request) -> Response:
            if request.path == "/node/wheels" and self.busy:
                self.busy -= 1
                return Response(json.dumps({"detail": "Too many."}), 503, {"Retry-After": "1"})
            if request.path == "/node/wheels":
                return Response(self.bundle, mimetype="application/gzip")
            return Response(json.dumps({"upgrade": self.wanted}), mimetype="application/json")

        return answered

    def wants(self, order: str, version: str, file: Path, sha256: str | None = None) -> None:
        self.bundle = file.read_bytes()
        digest = sha256 or hashlib.sha256(self.bundle).hexdigest()
        self.wanted = {"order": order, "version": version, "sha256": digest}


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with answering(made.server):
        yield made


@pytest.fixture
def node(tmp_path: Path, service: Service) -> Iterator[Node]:
    made = Node(tmp_path, {"url": service.url, "token": "x"}, NODE)
    made.launch("start")
    made.until(lambda: made.runs() == "0.0.1", "the node runs")
    yield made
    made.launch("stop")


def test_a_node_becomes_what_it_is_asked_to_and_goes_back_from_what_does_not_work(
    node: Node, service: Service, tmp_path: Path
) -> None:
    service.wants("a-1", "9.9.8", wheels.bundle(tmp_path / "good.tar.gz", NODE, "9.9.8"), sha256="0" * 64)
    node.until(lambda: node.state().get("state") == "failed", "another bundle than was named is refused")
    assert "another SHA-256" in node.state()["why"]
    assert (node.runs(), (node.opt / "venv.next").exists()) == ("0.0.1", False)

    service.busy = 2  # with other nodes that fetch, too
    service.wants("a-2", "9.9.8", tmp_path / "good.tar.gz")
    node.until(lambda: node.runs() == "9.9.8" and node.state().get("state") == "done", "it is the new version")
    node.until(lambda: (node.opt / "made").exists() and not (node.opt / "venv.before").exists(), "it is settled")
    assert (node.opt / "made").read_text() == f"9.9.8 {service.wanted['sha256']}\n"  # type: ignore[index]
    assert "venv.next" not in (node.opt / "venv/bin/pip").read_text()

    (node.root / "runs").unlink()
    service.wants("b-1", "9.9.9", wheels.bundle(tmp_path / "broken.tar.gz", BROKEN, "9.9.9"))
    node.until(lambda: node.state().get("order") == "b-1" and node.state()["state"] == "failed", "it goes back")
    assert "the one before is back" in node.state()["why"]
    node.until(lambda: node.runs() == "9.9.8", "the one before works again")
    assert sorted(path.name for path in node.opt.iterdir()) == ["bin", "made", "switch.log", "venv"]
    time.sleep(1.5)
    assert node.state()["order"] == "b-1", "the same order is not tried twice"

    node.launch("stop")  # then the power is cut during a change-over
    (node.opt / "venv").rename(node.opt / "venv.before")
    (node.root / "runs").unlink()
    node.launch("start")
    node.until(lambda: node.runs() == "9.9.8", "it starts with the version that is there")
