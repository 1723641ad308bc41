"""On its own, a node pours again what should run and does not, using only the states and the pillar that it has kept."""

import http.server
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from answering import answering, by
from masterless import Node, failed

from pillar_service.core.events.submission import Lifecycle
from pillar_service.node import stillness
from pillar_service.node.lastgood import Kept
from pillar_service.node.masterless.applying import apply
from pillar_service.node.masterless.duty import AGAIN_S, HOLD_S, Converging
from pillar_service.node.masterless.states import States
from pillar_service.node.paths import Home
from pillar_service.node.reporter import Reporter
from pillar_service.node.spool import Spool
from pillar_service.node.told import told


class Alone:
    """The node's duty, on a clock of the test's own."""

    def __init__(self, node: Node) -> None:
        self.home, self.now = Home(node.data), 0.0
        states = States(self.home, node.id, node.pki)
        applied = partial(apply, self.home, str(node.folder / "minion"), states.folder)
        kept = Kept(self.home, node.id, node.pki)
        self.spool = Spool(self.home)
        self._duty = Converging(self.home, node.id, kept, states, applied, self.spool)

    def looks(self, after_s: float = 0.0) -> list[tuple[str, Any]]:
        """Run the duty ``after_s`` seconds later; return the events that it has told."""
        self.now += after_s
        before = len(self.spool.batch().events)
        self._duty.run(self.now)
        return [(one.type, one.data) for one in self.spool.batch().events[before:]]


def test_a_container_that_is_gone_is_made_again_and_a_stopped_pub_comes_back(node: Node) -> None:
    bot, other = node.add("my", memory_mb=128), node.add("other", memory_mb=128)
    assert failed(node.apply()) == {}
    (node.folder / "pillar" / "ours.sls").unlink()
    alone, began = Alone(node), node.container(other).attrs["State"]["StartedAt"]
    assert alone.looks() == []
    node.container(bot).remove(force=True)
    assert (alone.looks(), alone.looks(HOLD_S / 2)) == ([], [])
    assert node.container(bot) is None
    assert alone.looks(HOLD_S) == [(Lifecycle.CONVERGED, {"bots": [bot]})]
    assert node.container(bot).status == "running"
    assert alone.looks() == []
    node.container(bot).stop()
    alone.looks()
    with stillness.held(alone.home, bot):
        assert alone.looks(HOLD_S) == []
    assert alone.looks() == [(Lifecycle.CONVERGED, {"bots": [bot]})]
    assert node.container(bot).status == "running"
    assert node.container(other).attrs["State"]["StartedAt"] == began
    assert alone.looks(HOLD_S) == []


def test_a_report_goes_by_what_the_last_state_run_was_told(node: Node) -> None:
    bot = node.add("my", memory_mb=128)
    assert failed(node.apply()) == {}
    nothing = told({}, node.id)
    [event], _ = Reporter(node.id, Home(node.data), node.pki).tick(nothing, 60, refresh=list)
    assert event["data"]["node"] == {"docker": True, "error": None, "unlisted": []}
    assert [one["bot"] for one in event["data"]["bots"]] == [bot]


def test_what_was_told_to_stop_stays_so_and_what_was_not_sealed_is_not_applied(node: Node) -> None:
    stopped, bot = node.add("stopped", memory_mb=128), node.add("my", memory_mb=128)
    assert failed(node.apply()) == {}
    node.change(stopped, state="stopped")
    assert failed(node.apply()) == {}
    alone = Alone(node)
    node.container(bot).stop()
    (alone.home.masterless / "states" / "pubs" / "init.sls").write_text("evil: {cmd.run: [{name: 'touch /evil'}]}\n")
    alone.looks()
    [(kind, data)] = alone.looks(HOLD_S)
    assert (kind, "pubs/init.sls" in data["why"]) == (Lifecycle.NOT_CONVERGED, True)
    assert alone.looks(AGAIN_S / 2) == []
    assert alone.looks(AGAIN_S / 2)[0][0] == Lifecycle.NOT_CONVERGED
    assert failed(node.apply()) == {}, "the next run puts the states right"
    assert alone.looks(1) == []
    node.container(bot).stop()
    assert alone.looks(2 * AGAIN_S) == []
    assert alone.looks(HOLD_S) == [(Lifecycle.CONVERGED, {"bots": [bot]})]
    assert (node.container(stopped).status, node.container(bot).status) == ("exited", "running")


@pytest.fixture
def refusing() -> Iterator[str]:
    """The address of a service that refuses this node's key."""

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"detail": "This node's key was revoked."}).encode()
            self.send_response(401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with answering(by(Refusing)) as url:
        yield url


def test_a_node_whose_key_was_revoked_pours_nothing(node: Node, refusing: str) -> None:
    node.service["url"] = refusing
    bot = node.add("my", memory_mb=128)
    assert failed(node.apply()) == {}
    alone = Alone(node)
    node.container(bot).stop()
    alone.looks()
    assert alone.looks(HOLD_S) == []
    assert node.container(bot).status == "exited"
