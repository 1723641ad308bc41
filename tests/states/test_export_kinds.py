"""One kind of a pub's data can leave alone, but only everything together can come to life again."""

import hashlib
import http.server
import io
import json
import tarfile

import pytest
from answering import answering, by
from masterless import failed

from pillar_service.core.bots import exports
from pillar_service.core.errors import ForkHazard, Invalid

JOB = "00000000000000f1"
BLOB = "sha256/ab/cdef"


class Service(http.server.BaseHTTPRequestHandler):
    """A fake of the service at the wire: it only accepts an export of the kind that was asked for."""

    kind: exports.Kind
    kept: dict

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        exports.check(io.BytesIO(body), self.kind)
        self.kept[self.path] = body
        answer = json.dumps({"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    handler = type("Kept", (Service,), {"kept": {}})
    with answering(by(handler)) as url:
        yield handler, {"url": url, "token": "secret-token"}


@pytest.fixture
def poured(node, service):
    node.service = service[1]
    bot = node.add("my")
    assert failed(node.apply()) == {}
    return bot


def held(tar):
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        return {member.name for member in opened if member.isfile()}


def test_each_kind_brings_its_own_files_and_no_others(node, service, poured):
    folder = node.data / "bots" / poured
    (folder / "gossip.json").write_text("[]")
    (folder / "blobs" / "sha256" / "ab").mkdir(parents=True, exist_ok=True)
    (folder / "blobs" / BLOB).write_bytes(b"a picture")
    (folder / "flume").mkdir(exist_ok=True)
    (folder / "flume" / "log.offset").touch()
    before = node.call("pubs.info", poured)["id"]
    started = node.container(poured).attrs["State"]["StartedAt"]

    for kind, wanted in (
        ("secret", {"secret"}),
        ("gossip", {"gossip.json"}),
        ("log", {"flume/log.offset"}),
        ("blobs", {f"blobs/{BLOB}"}),
    ):
        service[0].kind = exports.Kind(kind)
        returned = node.call("pubs.export", poured, JOB, f"kind={kind}")
        assert (returned["pub_id"], returned["kind"]) == (before, kind)
        tar = service[0].kept[f"/transfers/{JOB}"]
        assert held(tar) == wanted | {"manifest.json"}
        with pytest.raises((Invalid, ForkHazard)):
            exports.check(io.BytesIO(tar))
        assert node.container(poured).status == "running"
        if kind in ("secret", "gossip"):
            assert node.container(poured).attrs["State"]["StartedAt"] == started


def test_what_is_not_there_is_said(node, service, poured):
    service[0].kind = exports.Kind.BLOBS
    assert "no blobs yet" in node.call("pubs.export", poured, JOB, "kind=blobs")
    assert "can't be exported" in node.call("pubs.export", poured, JOB, "kind=passwords")
    assert node.container(poured).status == "running"
