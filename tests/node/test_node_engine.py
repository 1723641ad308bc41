"""What is asked of the Docker engine before anything else."""

import json
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillar_service.core.errors import Failed, Unavailable
from pillar_service.node import containers, networks


class Engine:
    """An engine that speaks one version of its API and refuses all others."""

    def __init__(self) -> None:
        self.speaks = "1.41"
        self.asked: list[str] = []
        self.says: dict[str, object] = {}

    def answer(self, connection: socket.socket) -> None:
        path = connection.recv(65536).decode().split(" ")[1].partition("?")[0]
        self.asked.append(path)
        if path == "/version":
            status, told = "200 OK", {"ApiVersion": self.speaks}
        elif path.startswith(f"/v{self.speaks}/"):
            status, told = "200 OK", self.says.get(path, {})
        else:
            status, told = "400 Bad Request", {"message": "client version is too old"}
        connection.sendall(f"HTTP/1.0 {status}\r\n\r\n{json.dumps(told)}".encode())


@pytest.fixture
def engine(listen: Callable, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    made = Engine()
    # Not pytest's tmp_path: a socket's path may have only 108 bytes.
    with tempfile.TemporaryDirectory(prefix="engine-") as short:
        listen(Path(short) / "docker.sock", made.answer)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{short}/docker.sock")
        yield made


def ask() -> None:
    with containers.engine() as client:
        client.info()


def test_which_version_it_speaks_is_asked_once(engine: Engine) -> None:
    ask()
    ask()
    assert engine.asked == ["/version", "/v1.41/info", "/v1.41/info"]


def test_and_again_after_an_error_for_it_may_have_been_upgraded(engine: Engine) -> None:
    ask()
    engine.speaks = "1.44"
    with pytest.raises(Failed, match="too old"):
        ask()
    ask()
    assert engine.asked[-2:] == ["/version", "/v1.44/info"]


def test_a_network_that_somebody_removes_at_that_moment_is_asked_for_again_by_whoever_wants_it(engine: Engine) -> None:
    engine.says = {"/v1.41/networks": [], "/v1.41/networks/create": {"Id": "n1"}}
    with containers.engine() as client, pytest.raises(Unavailable, match="try again"):
        networks.settle(client, "saltcellar")


def test_no_proxy_is_looked_for_before_a_socket(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with containers.engine() as client:
        assert not client.trust_env
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    containers._spoken["tcp://127.0.0.1:9"] = "1.41"
    with containers.engine() as client:
        assert client.trust_env
