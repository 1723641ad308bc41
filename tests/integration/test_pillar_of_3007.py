"""What the pillar module of Salt 3007 makes of each fault in test_fail_closed.py.

Most faults leave it without a bot and without an error, so that states which remove what is not listed remove everything.
"""

import http.server
import json
from pathlib import Path

import pytest
import salt.client
import salt.config
import salt.exceptions
from answering import answering, by
from faulty_wire import FAULTS, FaultyWire
from test_fail_closed import PILLAR_3007

BOTS = {"a" * 16: {"state": "running"}, "b" * 16: {"state": "running"}}
RIGHT = json.dumps({"saltcellar": {"node": "closed-1", "service": {}, "bots": BOTS}}).encode()

SURVIVED = {
    "html": "its pillar fails, too, where the answer can't be decoded",
    "truncated": "the same",
    "wrong type": "it asks for no type, and what it decodes is right",
    "another node": "it asks for no node, and in this fault the other's pillar lists the same bots",
}
"""Faults that do it no harm, and why."""


class Service(http.server.BaseHTTPRequestHandler):
    """A fake of the service that always answers with the same pillar."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(RIGHT)))
        self.end_headers()
        self.wfile.write(RIGHT)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def wire():
    with answering(by(Service)) as url:
        wire = FaultyWire(url)
        wire.listen()
        yield wire
        wire.refuse()


@pytest.fixture(scope="module")
def minion(wire, tmp_path_factory) -> Path:
    """The configuration of a masterless minion whose pillar is compiled as in Salt 3007."""
    folder = tmp_path_factory.mktemp("pillar-of-3007")
    (folder / "modules" / "pillar").mkdir(parents=True)
    (folder / "modules" / "pillar" / "http_json_3007.py").write_text(PILLAR_3007)
    config = {
        "id": "closed-1",
        "file_client": "local",
        "module_dirs": [str(folder / "modules")],
        "ext_pillar": [{"http_json_3007": {"url": f"{wire.url}/pillar/%s", "header_dict": {}}}],
        "http_request_timeout": 2,
        "root_dir": str(folder),
        "pki_dir": str(folder / "pki"),
        "cachedir": str(folder / "cache"),
        "log_file": str(folder / "log"),
    }
    (folder / "minion").write_text(json.dumps(config))
    return folder / "minion"


def compiled(minion):
    """The bots that the pillar lists now; None if it reports an error."""
    pillar = salt.client.Caller(mopts=salt.config.minion_config(str(minion))).cmd("pillar.items", unmask=True)
    if pillar.get("_errors"):
        return None
    return set(pillar.get("saltcellar", {}).get("bots", {}))


def test_without_a_fault_it_lists_the_bots(minion):
    assert compiled(minion) == set(BOTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_it_lists_under_a_fault(wire, minion, fault):
    with wire.broken(fault):
        listed = compiled(minion)
    assert listed in (None, set(BOTS)) if fault in SURVIVED else listed == set()
