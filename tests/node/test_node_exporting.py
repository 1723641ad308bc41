"""An export leaves its bot in the state that it should have by then, whatever was asked for meanwhile."""

import importlib.util
import json
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_node_tar import Held, filled
from wires import BOT

from pillar_service.core.errors import Conflict, Failed
from pillar_service.node import bots, containers, stillness
from pillar_service.node.paths import Home
from pillar_service.node.told import Told

JOB = "9e0f1f3a9c2e5b7d"


class Engine:
    """An engine with one bot's container, which runs until it is stopped."""

    def __init__(self) -> None:
        self.runs, self.is_there = True, True

    def answer(self, connection: socket.socket) -> None:
        path = connection.recv(65536).decode().split(" ")[1].partition("?")[0].removeprefix("/v1.41")
        labels = {containers.NODE_LABEL: "n", containers.BOT_LABEL: BOT}
        listed = [{"Id": "c1", "Names": [f"/my-{BOT}"], "Labels": labels}] if self.is_there else []
        told = {"/version": {"ApiVersion": "1.41"}, "/containers/json": listed}
        if path.endswith(("/stop", "/start")):
            self.runs = path.endswith("/start")
        found = self.is_there or not path.startswith("/containers/c1")
        body = json.dumps(told.get(path, {"State": {"Running": self.runs}, "message": "No such container: c1"}))
        connection.sendall(f"HTTP/1.0 {'200 OK' if found else '404 Not Found'}\r\n\r\n{body}".encode())


@pytest.fixture
def engine(listen: Callable, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    made = Engine()
    with tempfile.TemporaryDirectory(prefix="engine-") as short:  # a socket's path may have only 108 bytes
        listen(Path(short) / "docker.sock", made.answer)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{short}/docker.sock")
        yield made


class Door(Held):
    """A service that loses the tar."""

    def send(self, job: str, file: object) -> dict[str, str]:
        return {}


def exported(home: Home, known: Callable[[], Told]) -> None:
    home.configs.mkdir(parents=True, exist_ok=True)
    home.config(BOT).write_text("{}")
    with pytest.raises(Failed, match="not what this node sent"):  # The door lost the tar.
        bots.export_as_told(known, home, "n", BOT, JOB, Door(b""))


def to_be(state: str) -> Told:
    return Told({BOT: {"state": state}})


@pytest.mark.parametrize(("told", "runs"), [(to_be("running"), True), (Told(), True), (to_be("stopped"), False)])
def test_a_bot_that_was_told_to_stop_meanwhile_stays_stopped(
    home: Home, folder: Path, engine: Engine, told: Told, runs: bool
) -> None:
    filled(folder)
    exported(home, lambda: told)
    assert engine.runs is runs


def test_a_bot_that_was_removed_meanwhile_is_no_fault_of_the_export(home: Home, folder: Path, engine: Engine) -> None:
    def gone() -> Told:
        engine.is_there = False
        return to_be("absent")

    filled(folder)
    exported(home, gone)


def test_a_bot_that_is_packed_is_not_restarted_by_hand(home: Home, folder: Path, engine: Engine) -> None:
    filled(folder)

    def meanwhile() -> Told:
        with pytest.raises(Conflict, match="being packed"):
            bots.restart(home, "n", BOT, 1)
        assert not engine.runs
        return to_be("running")

    exported(home, meanwhile)
    assert engine.runs


STATES = Path(__file__).parents[2] / "states/_states/pub.py"


def poured(home: Home, made: list[str]) -> dict[str, Any]:
    """The return of the state that pours a bot's container; what Docker's own state is asked to make is added to ``made``."""
    specification = importlib.util.spec_from_file_location("states_of_pubs", STATES)
    assert specification
    assert specification.loader
    states: Any = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(states)

    def running(name: str, **more: Any) -> dict[str, Any]:
        made.append(name)
        return {"changes": {}, "result": True, "comment": "Made."}

    states.__opts__, states.__pillar__ = {"id": "n", "test": False}, {}
    states.__salt__ = {"config.get": lambda _: str(home.root)}
    states.__salt__ |= {"pubs.is_as_told": lambda *_: False, "pubs.is_stranded": lambda *_: False}
    states.__states__ = {"docker_container.running": running}
    told: dict[str, Any] = states.poured(
        f"{BOT} container", BOT, "1", 256, {"name": "my", "image": "x", "network_mode": "y"}
    )
    return told


def test_a_state_run_by_hand_starts_no_bot_that_is_packed(home: Home) -> None:
    made: list[str] = []
    with stillness.held(home, BOT):
        said = poured(home, made)
    assert (said["result"], made) == (False, [])
    assert "being packed" in said["comment"]
    with stillness.held(home, "0" * 16):
        assert (poured(home, made)["result"], made) == (True, ["my"])
