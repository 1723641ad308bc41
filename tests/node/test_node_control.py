"""The pub at the other end of the control socket is not trusted."""

import json
import stat
import time

import pytest
from wires import BOT, PUB

from pillar_service.core.errors import Failed, NotFound, Unavailable
from pillar_service.node import control
from pillar_service.node.paths import Home


def says(status: str, body: object, head: str = ""):
    written = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(connection):
        connection.recv(65536)
        connection.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + written)

    return answer


def test_tells_what_the_pub_tells(folder, listen):
    listen(
        folder / "control.sock",
        says("200 OK", {"id": PUB, "version": "1", "sequence": 3, "peers": 1, "follows": 2, "secret": "x"}),
    )
    assert control.pub(folder) == {"pub_id": PUB, "version": "1", "sequence": 3, "peers": 1, "follows": 2}


def test_a_path_longer_than_a_sockets_path_may_be(tmp_path, listen):
    deep = Home(tmp_path / ("d" * 120)).bot(BOT)
    deep.mkdir(parents=True)
    listen(deep / "control.sock", says("200 OK", {"id": PUB}))
    assert control.info(deep)["id"] == PUB


def test_a_link_to_another_socket_is_not_followed(folder, tmp_path, listen):
    listen(tmp_path / "docker.sock", says("200 OK", {"id": PUB}))
    (folder / "control.sock").symlink_to(tmp_path / "docker.sock")
    with pytest.raises(Unavailable, match="not a socket"):
        control.info(folder)


def test_a_link_that_takes_the_sockets_place_once_it_was_looked_at_is_not_followed(
    folder, tmp_path, listen, monkeypatch
):
    other = tmp_path / "other.sock"
    listen(other, says("200 OK", {"id": PUB.replace("A", "B", 1)}))
    listen(folder / "control.sock", says("200 OK", {"id": PUB}))
    is_socket = stat.S_ISSOCK

    def swapped(mode: int) -> bool:
        (folder / "control.sock").unlink()
        (folder / "control.sock").symlink_to(other)
        return is_socket(mode)

    monkeypatch.setattr(control.stat, "S_ISSOCK", swapped)
    assert control.info(folder)["id"] == PUB


def test_a_link_in_place_of_the_directory_is_not_followed(home, tmp_path, listen):
    (tmp_path / "else").mkdir()
    listen(tmp_path / "else" / "control.sock", says("200 OK", {"id": PUB}))
    home.bots.mkdir(parents=True)
    home.bot(BOT).symlink_to(tmp_path / "else")
    with pytest.raises(Unavailable):
        control.info(home.bot(BOT))


def test_nobody_there(folder):
    for nowhere in (folder, folder / "nowhere"):
        with pytest.raises(Unavailable, match=r"does not answer on its control socket \(it is not running, or"):
            control.info(nowhere)


def test_an_endless_answer_is_cut_off(folder, listen):
    def endless(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(65536))

    listen(folder / "control.sock", endless)
    with pytest.raises(Unavailable, match="too long"):
        control.info(folder)


def test_a_dripping_answer_takes_no_longer_than_allowed(folder, listen):
    def drip(connection):
        while True:
            connection.sendall(b"H")
            time.sleep(0.05)

    listen(folder / "control.sock", drip)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        control.info(folder, timeout_s=0.5)
    assert time.monotonic() - started < 1


NESTED = (b"[" * 100_000, b'{"id": ' + b"[" * 700 + b"]" * 700 + b"}", b'{"error": ' + b"[" * 700 + b"]" * 700 + b"}")
UNSPEAKABLE = json.dumps({"id": PUB, "version": "\ud800"}).encode()
"""JSON can express it but UTF-8 can't, so a state run that returned it would never arrive."""


@pytest.mark.parametrize("status", ["200 OK", "500 No"])
@pytest.mark.parametrize("body", [*NESTED, UNSPEAKABLE])
def test_an_answer_that_is_made_to_break_who_reads_it(folder, listen, status, body):
    listen(folder / "control.sock", says(status, body))
    with pytest.raises((Unavailable, Failed)):
        control.pub(folder)


@pytest.mark.parametrize("body", [b"<html>", b"", b"[1]", b'{"id": "x"}', b"null", b'{"id": 3}'])
def test_an_answer_that_makes_no_sense(folder, listen, body):
    listen(folder / "control.sock", says("200 OK", body))
    with pytest.raises((Unavailable, Failed)):
        control.info(folder)


def test_numbers_that_are_none_count_as_nothing(folder, listen):
    told = {"id": PUB, "version": "v" * 99, "sequence": "9", "peers": -1, "follows": True}
    listen(folder / "control.sock", says("200 OK", told))
    assert control.pub(folder) == {"pub_id": PUB, "version": "v" * 32, "sequence": 0, "peers": 0, "follows": 0}


def test_a_version_is_a_line(folder, listen):
    listen(folder / "control.sock", says("200 OK", {"id": PUB, "version": "1\n\x00\u202e2"}))
    assert control.pub(folder)["version"].isprintable()


def test_the_pubs_own_sentence_is_told(folder, listen):
    listen(folder / "control.sock", says("404 Not Found", {"error": "There is no invite with this id on this pub."}))
    with pytest.raises(NotFound, match="no invite with this id"):
        control.revoke(folder, PUB)


def test_a_ledger_of_very_many_invites_is_told_by_what_can_still_be_used_and_what_is_newest(folder, listen):
    many = [{"id": str(n), "note": "n" * 200, "state": "unused" if n == 7 else "used"} for n in range(5000)]
    listen(folder / "control.sock", says("200 OK", many))
    told = control.invites(folder)
    assert (len(told), told[0]["id"], told[1]["id"], told[-1]["id"]) == (1000, "7", "4001", "4999")


def test_what_is_told_of_a_ledger_has_an_end_in_bytes(folder, listen):
    used_by = [{"id": PUB, "at": "2026-11-21T11:20:24.000Z"}] * 1000
    listen(folder / "control.sock", says("200 OK", [{"id": PUB, "state": "used", "used_by": used_by}] * 100))
    assert 0 < len(json.dumps(control.invites(folder))) <= 2 << 20


@pytest.mark.parametrize("body", [{}, "x", None, 3])
def test_what_is_no_ledger_makes_no_sense(folder, listen, body):
    listen(folder / "control.sock", says("200 OK", body))
    with pytest.raises(Failed, match="makes no sense"):
        control.invites(folder)
