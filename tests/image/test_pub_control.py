"""The control API on its Unix socket."""

import socket
import stat
from urllib.parse import quote

import pytest


def test_info(pub):
    info = pub.get("/info")
    assert info["id"].startswith("@")
    assert info["id"].endswith(".ed25519")
    assert (info["name"], info["external"], info["port"]) == ("my.butt.nz", "pub.test", pub.port)
    assert info["version"] == pub.image.split(":")[1]
    counts = {key: info[key] for key in ("sequence", "peers", "follows", "feeds")}
    assert counts == {"sequence": 0, "peers": 0, "follows": 0, "feeds": 0}
    assert info["uptime_s"] >= 0
    assert info["memory_rss"] > 10_000_000
    assert info["warnings"] == []


def test_socket_is_for_the_owner_only(pub):
    assert stat.S_IMODE((pub.data / "control.sock").stat().st_mode) == 0o600


def test_invites_are_listed_newest_last_and_without_their_code(pub):
    first, second = pub.invite(3, "Ångström ☕"), pub.invite(1000)
    rows = pub.get("/invites")[-2:]
    assert [row["id"] for row in rows] == [first["id"], second["id"]]
    assert rows[0]["note"] == "Ångström ☕"
    assert rows[1]["note"] == ""
    assert (rows[0]["uses"], rows[0]["used"], rows[0]["remaining"], rows[0]["state"]) == (3, 0, 3, "unused")
    assert rows[0]["used_by"] == []
    assert rows[0]["revoked_at"] is None
    assert rows[0]["created"]
    secret = first["code"].split("~")[1]
    assert secret not in str(rows)
    assert secret not in (pub.data / "invites.json").read_text()
    assert first["code"].startswith(f"pub.test:{pub.port}:{pub.get('/info')['id']}~")


@pytest.mark.parametrize(
    "body",
    [
        "", "no json", "[]", "null", "3", {}, {"uses": 0}, {"uses": 1001}, {"uses": 1.5}, {"uses": "1"},
        {"uses": True}, {"uses": -1}, {"uses": None}, {"uses": 1, "note": 7}, {"uses": 1, "note": None},
        {"uses": 1, "note": "x" * 201}, b"\xff\xfe",
    ],
)  # fmt: skip
def test_bad_invites_are_refused_with_a_sentence(pub, body):
    before = pub.get("/invites")
    status, answer = pub.ask("POST", "/invites", body)
    assert status == 422
    assert answer["error"].endswith(".")
    assert pub.get("/invites") == before


def test_note_may_have_200_characters(pub):
    assert pub.invite(1, "🐚" * 200)["note"] == "🐚" * 200


def test_too_large_a_body(pub):
    assert pub.ask("POST", "/invites", "x" * 70_000)[0] == 413
    assert pub.is_up()


@pytest.mark.parametrize("path", ["/", "/nothing", "/constructor", "/__proto__", "/info/", "/invite"])
def test_unknown_path(pub, path):
    status, answer = pub.ask("GET", path)
    assert status == 404
    assert "/invites" in answer["error"]


@pytest.mark.parametrize(("method", "path"), [("POST", "/info"), ("PUT", "/invites"), ("GET", "/invites/@x.ed25519")])
def test_wrong_method(pub, method, path):
    assert pub.ask(method, path)[0] == 405


def test_revoking(pub):
    invite = pub.invite()
    path = "/invites/" + quote(invite["id"], safe="")
    for _ in range(2):
        assert pub.ask("DELETE", path) == (200, {"id": invite["id"], "state": "revoked"})
    entry = pub.entry(invite)
    assert entry["state"] == "revoked"
    assert entry["remaining"] == 0
    assert entry["revoked_at"]


@pytest.mark.parametrize("name", ["", "@unknown.ed25519", "%ff", "%"])
def test_revoking_what_is_not_there(pub, name):
    status, answer = pub.ask("DELETE", f"/invites/{name}")
    assert status == 404
    assert answer["error"].endswith(".")


def test_broken_http_harms_nobody(pub):
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(pub.data / "control.sock"))
        raw.sendall(b"POST /invites HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{")
    assert pub.is_up()
