"""A pub leaves one node and comes alive on another with the same identity, and never twice."""

import hashlib
import http.server
import io
import json
import tarfile

import pytest
from answering import answering, by
from masterless import changed, failed

from pillar_service.core.bots import exports

JOB, IMPORT_JOB = "00000000000000e1", "00000000000000e2"
PUBLISH = """
const connect = require('ssb-client/client')
const config = require('ssb-config/defaults')('ssb', { path: '/home/node/.ssb' })
const keys = require('ssb-keys').loadSync('/home/node/.ssb/secret')
const remote = `net:127.0.0.1:${process.argv[1]}~shs:${keys.public.replace('.ed25519', '')}`
connect({ keys, remote, caps: config.caps, config, manifest: { publish: 'async' } }, (err, rpc) => {
  if (err) throw err
  rpc.publish({ type: 'post', text: process.argv[2] }, (err) => { if (err) throw err; process.exit(0) })
})
"""


class Service(http.server.BaseHTTPRequestHandler):
    """A fake of the service at the wire: it keeps what it is sent, and hands out what the test put there."""

    kept: dict
    token = "secret-token"

    def _refuse(self):
        body = b'{"detail": "This node\'s token is not valid."}'
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _known(self):
        return self.headers["Authorization"] == f"Bearer {self.token}"

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._known():
            return self._refuse()
        self.kept[self.path] = body
        answer = json.dumps({"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        return self.wfile.write(answer)

    def do_GET(self):
        if not self._known():
            return self._refuse()
        body = self.kept[self.path]
        self.send_response(200)
        self.send_header("Content-Type", "application/x-tar")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    handler = type("Kept", (Service,), {"kept": {}})
    with answering(by(handler)) as url:
        yield {"url": url, "token": Service.token}, handler.kept


@pytest.fixture
def published(node, service):
    """A pub that has written two messages."""
    node.service = service[0]
    bot = node.add("my")
    assert failed(node.apply()) == {}
    for text in ("one", "two"):
        ran = node.container(bot).exec_run(["node", "-e", PUBLISH, str(node.bots[bot]["port"]), text], workdir="/pub")
        assert ran.exit_code == 0, ran.output
    return bot


def announced(tar: bytes, pub_id: str):
    return {"job": IMPORT_JOB, "sha256": hashlib.sha256(tar).hexdigest(), "size": len(tar), "pub_id": pub_id}


def without(tar: bytes, *names: str) -> bytes:
    changed_tar = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(tar)) as old, tarfile.open(fileobj=changed_tar, mode="w") as new:
        for member in old:
            if member.name not in names:
                new.addfile(member, old.extractfile(member) if member.isfile() else None)
    return changed_tar.getvalue()


def test_an_export_comes_alive_elsewhere_with_its_identity_and_messages(node, make_node, service, published):
    before = node.call("pubs.info", published)
    returned = node.call("pubs.export", published, JOB)
    tar = service[1][f"/transfers/{JOB}"]

    assert returned == {
        "pub_id": before["id"],
        "sequence": 2,
        "kind": "everything",
        "size": len(tar),
        "sha256": hashlib.sha256(tar).hexdigest(),
    }
    assert exports.check(io.BytesIO(tar)) == exports.Export(before["id"], 2)
    assert node.container(published).status == "running"

    node.change(published, state="stopped")
    node.apply()
    elsewhere = make_node()
    elsewhere.service = service[0]
    service[1][f"/transfers/{IMPORT_JOB}"] = tar
    bot = elsewhere.add("moved", **{"import": announced(tar, before["id"])})

    assert elsewhere.apply("test=True")[f"{bot} imported"]["result"] is None
    states = elsewhere.apply()
    assert failed(states) == {}
    told = states[f"{bot} alive"]["pub"]
    assert (told["pub_id"], told["sequence"]) == (before["id"], 2)
    secret = (elsewhere.data / "bots" / bot / "secret").stat()
    assert (secret.st_uid, secret.st_mode & 0o777) == (1000, 0o600)
    assert changed(elsewhere.apply()) == {}
    assert not list((elsewhere.data / "transfers").iterdir())


def test_a_stopped_bot_can_be_exported_and_stays_stopped(node, service, published):
    node.change(published, state="stopped")
    node.apply()
    assert node.call("pubs.export", published, JOB)["sequence"] == 2
    assert node.container(published).status == "exited"


def test_a_failed_export_leaves_the_pub_running(node, published):
    node.service = {"url": "http://127.0.0.1:9", "token": "x"}
    node.tell()
    assert "The service does not answer" in node.call("pubs.export", published, JOB)
    assert node.container(published).status == "running"


def test_the_services_own_sentence_is_told(node, service, published):
    node.service = service[0] | {"token": "wrong"}
    node.tell()
    said = node.call("pubs.export", published, JOB)
    assert "token is not valid" in said
    assert "wrong" not in said


def test_a_pub_that_published_nothing_moves_too(node, make_node, service):
    node.service = service[0]
    bot = node.add()
    node.apply()
    returned = node.call("pubs.export", bot, JOB)
    assert returned["sequence"] == 0
    elsewhere = make_node()
    elsewhere.service = service[0]
    tar = service[1][f"/transfers/{IMPORT_JOB}"] = service[1][f"/transfers/{JOB}"]
    moved = elsewhere.add("moved", **{"import": announced(tar, returned["pub_id"])})
    assert elsewhere.apply()[f"{moved} alive"]["pub"]["pub_id"] == returned["pub_id"]


def imported(make_node, service, tar, pub_id, **told):
    node = make_node()
    node.service = service[0]
    service[1][f"/transfers/{IMPORT_JOB}"] = tar
    bot = node.add("moved", **{"import": announced(tar, pub_id) | told})
    states = node.apply()
    assert node.container(bot) is None
    assert not (node.data / "bots" / bot / "secret").exists()
    return failed(states)[f"{bot} imported"]


@pytest.fixture
def exported(node, service, published):
    pub_id = node.call("pubs.export", published, JOB)["pub_id"]
    return service[1][f"/transfers/{JOB}"], pub_id


def test_what_must_not_be_imported(make_node, service, exported):
    tar, pub_id = exported
    other = "@" + "A" * 43 + "=.ed25519"
    assert "fork" in imported(make_node, service, without(tar, "flume/log.offset"), pub_id)
    assert "checksum" in imported(make_node, service, tar, pub_id, sha256="0" * 64)
    assert "another identity" in imported(make_node, service, tar, other)
    assert "bytes" in imported(make_node, service, tar, pub_id, size=len(tar) - 1)


def test_nothing_is_imported_over_another_identity(node, service, exported):
    tar, pub_id = exported
    bot = node.add("taken")
    node.apply()
    own = node.call("pubs.info", bot)["id"]
    node.change(bot, **{"import": announced(tar, pub_id)})

    states = node.apply()

    assert "another identity" in failed(states)[f"{bot} imported"]
    assert node.call("pubs.info", bot)["id"] == own
