"""What a state run asks Docker about unchanged bots, and their data directories."""

import json
import os
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wires import BOT

from pillar_service.core.errors import Conflict, Failed
from pillar_service.node import containers, converge
from pillar_service.node.paths import PUB_USER, Home

BOTS = ("a" * 16, "b" * 16)
OTHER = "@" + "A" * 43 + "=.ed25519"


def test_the_data_directory_is_made_and_put_right(home: Home, folder: Path) -> None:
    folder.rmdir()
    planned = converge.placed(home, BOT, None, plan_only=True)
    assert (planned.would_change, planned.changes["directory"]["new"], folder.exists()) == (True, str(folder), False)
    assert converge.placed(home, BOT, None, plan_only=False).changes == planned.changes
    there = folder.stat()
    assert (there.st_uid, there.st_gid, stat.S_IMODE(there.st_mode)) == (PUB_USER, PUB_USER, 0o700)
    assert converge.placed(home, BOT, None, plan_only=False).changes == {}

    os.chown(folder, 0, PUB_USER)
    folder.chmod(0o755)
    wanted = {"user": {"old": 0, "new": PUB_USER}, "mode": {"old": "0755", "new": "0700"}}
    assert converge.placed(home, BOT, None, plan_only=True).changes == wanted
    assert converge.placed(home, BOT, None, plan_only=False).changes == wanted
    assert converge.placed(home, BOT, None, plan_only=True).changes == {}


def test_in_the_place_of_an_identity_that_is_gone_no_directory_is_made(home: Home, folder: Path) -> None:
    folder.rmdir()
    for plan_only in (True, False):
        with pytest.raises(Conflict, match="no identity is there"):
            converge.placed(home, BOT, OTHER, plan_only)
    assert not folder.exists()


def test_what_is_no_directory_is_left(home: Home, folder: Path, tmp_path: Path) -> None:
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(Failed, match="move it away"):
        converge.placed(home, BOT, None, plan_only=False)
    assert folder.is_symlink()


def described(bot: str) -> dict[str, Any]:
    """A bot's container in the form of Docker's list."""
    labels = {containers.BOT_LABEL: bot, containers.TOLD_LABEL: "sum"}
    told = {"Id": bot, "Names": [f"/my-{bot}"], "State": "running", "ImageID": "sha256:1", "Labels": labels}
    return told | {"Created": int(time.time()) + 60, "NetworkSettings": {"Networks": {"saltcellar": {}}}}


@pytest.fixture
def asked(listen: Callable, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The requests to an engine that knows two bots' containers."""
    paths: list[str] = []
    limits = {"HostConfig": {"Memory": 128 << 20, "RestartPolicy": {"Name": "unless-stopped"}}}
    says = {"version": {"ApiVersion": "1.41"}, "images": {"Id": "sha256:1"}, "containers": limits}

    def answer(connection: socket.socket) -> None:
        path = connection.recv(65536).decode().split(" ")[1].partition("?")[0].removeprefix("/v1.41").lstrip("/")
        paths.append(path)
        told = [described(bot) for bot in BOTS] if path == "containers/json" else says[path.partition("/")[0]]
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(told).encode())

    # Not pytest's tmp_path: a socket's path may have only 108 bytes.
    with tempfile.TemporaryDirectory(prefix="engine-") as short:
        listen(Path(short) / "docker.sock", answer)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{short}/docker.sock")
        yield paths


def test_one_listing_serves_the_bots_that_are_looked_at_one_after_the_other(home: Home, asked: list[str]) -> None:
    node = f"node-{os.urandom(4).hex()}"

    def is_as_told(bot: str, told: str = "sum") -> bool:
        home.configs.mkdir(parents=True, exist_ok=True)
        home.config(bot).write_text("{}")
        return containers.is_as_told(node, home, bot, told, f"{node}:1", 128, "saltcellar")

    assert [is_as_told(bot) for bot in BOTS] == [True, True]
    assert [one for one in asked if one != "version"] == [
        "containers/json", f"containers/{BOTS[0]}/json", f"images/{node}:1/json", f"containers/{BOTS[1]}/json"
    ]  # fmt: skip
    assert not is_as_told(BOTS[0], told="another")
    asked.clear()
    time.sleep(containers.FRESH_S)
    assert is_as_told(BOTS[0])
    assert "containers/json" in asked


def test_of_a_pub_that_answers_docker_is_not_asked(
    home: Home, folder: Path, listen: Callable, asked: list[str]
) -> None:
    body = json.dumps({"id": OTHER, "version": "1", "sequence": 7, "peers": 0, "follows": 0}).encode()

    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    listen(folder / "control.sock", answer)
    assert converge.alive(home, "node", BOT, 5, plan_only=False).pub["sequence"] == 7
    assert asked == []
