"""What a node keeps to converge without a master, and which bots it finds amiss."""

import errno
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from minion_keys import new_key
from wires import BOT

from pillar_service.core.errors import Failed
from pillar_service.node import stillness
from pillar_service.node.lastgood import Kept
from pillar_service.node.masterless import amiss, applying
from pillar_service.node.masterless.duty import Converging
from pillar_service.node.masterless.states import States
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool


@pytest.fixture
def states(home: Home) -> States:
    """The node's kept states, sealed."""
    made = States(home, "n", new_key(home.root / "pki"))
    (made.folder / "pubs").mkdir(parents=True)
    (made.folder / "pubs" / "init.sls").write_text("include: [docker]\n")
    made.seal()
    return made


def test_what_was_sealed_is_used(states: States) -> None:
    states.check()
    assert states.is_sealed()


def changed(states: States) -> None:
    (states.folder / "pubs" / "init.sls").write_text("evil: {cmd.run: []}\n")


def added(states: States) -> None:
    (states.folder / "pubs" / "more.sls").write_text("")


def taken(states: States) -> None:
    (states.folder / "pubs" / "init.sls").unlink()


def linked(states: States) -> None:
    taken(states)
    (states.folder / "pubs" / "init.sls").symlink_to("/etc/passwd")


def sealed_by_another_key(states: States) -> None:
    new_key(states.folder.parents[1] / "pki", 1)


def never_sealed(states: States) -> None:
    (states.folder.parent / "manifest.jwt").unlink()


@pytest.mark.parametrize("meddle", [changed, added, taken, linked, sealed_by_another_key, never_sealed])
def test_what_was_not_sealed_is_not_used(states: States, meddle: Callable[[States], None]) -> None:
    meddle(states)
    assert not states.is_sealed()
    with pytest.raises(Failed):
        states.check()


def test_only_a_bot_that_should_run_and_ended_is_amiss() -> None:
    told = {
        bot: {"state": state} for bot, state in (("a", "running"), ("b", "running"), ("c", "stopped"), ("d", "absent"))
    }
    assert amiss.found(told, {}) == ["a", "b"]
    for state in ("exited", "dead", "created"):
        assert amiss.found(told, {"a": {"State": state}, "b": {"State": "running"}}) == ["a"]
    for state in ("running", "restarting", "paused", "removing"):
        assert amiss.found(told, {"a": {"State": state}, "b": {"State": state}}) == []


def test_who_holds_a_bot_still_keeps_others_from_starting_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with stillness.held(home, BOT), stillness.held(home, "0" * 16), stillness.nobody_holds(home) as free:
        assert not free
    with stillness.nobody_holds(home) as free:
        assert free


def test_a_pillar_that_was_left_by_one_who_was_killed_is_gone_with_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (home.masterless / ".pillar-killed").mkdir(parents=True)
    (home.masterless / ".pillar-killed" / "kept.sls").write_text("the node's token")
    with applying._told(home, {}) as told:
        assert list(home.masterless.iterdir()) == [told]
    assert list(home.masterless.iterdir()) == []


def without_containers(connection: socket.socket) -> None:
    """A Docker engine without containers, as far as it is asked here."""
    is_version = connection.recv(65536).startswith(b"GET /version")
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + (b'{"ApiVersion": "1.41"}' if is_version else b"[]"))


def test_what_fails_for_want_of_room_is_told_and_tried_ever_more_seldom(
    states: States, home: Home, listen: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[float] = []

    def full(_: object) -> None:
        tried.append(now)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    kept = Kept(home, "n", home.root / "pki")
    bot = {
        "name": "my",
        "host": "my.example.org",
        "state": "running",
        "port": 20000,
        "image": "pub:1",
        "memory_mb": 256,
    }
    assert kept.keep({"saltcellar": {"node": "n", "bots": {BOT: bot}}})
    duty, spool = Converging(home, "n", kept, states, full, Spool(home)), Spool(home)
    with tempfile.TemporaryDirectory(prefix="engine-") as short:  # a socket's path may have only 108 bytes
        listen(Path(short) / "docker.sock", without_containers)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{short}/docker.sock")
        for second in range(0, 200, 5):
            now = float(second)
            duty.run(now)
    assert tried == [20.0, 50.0, 110.0]
    assert [one.data["why"] for one in spool.batch().events] == [
        "This node could not converge: No space left on device."
    ] * 3
