"""A node whose Docker can go away and whose disk can fill up."""

import contextlib
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from daemons import running
from salt_daemons import Master, Minion

ENGINE = "/var/run/docker.sock"


class _Forward(socketserver.BaseRequestHandler):
    """Passes bytes to and from Docker."""

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(ENGINE)
            back = threading.Thread(target=_pump, args=(engine, self.request), daemon=True)
            back.start()
            _pump(self.request, engine)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class FrailNode:
    """A minion with its own socket for Docker and a small disk for its data."""

    def __init__(self, folder: Path, node: str, master: Master) -> None:
        self.minion = Minion(folder, node, master)
        self.socket, self.data = folder / "docker.sock", folder / "node"
        self.minion.environment["DOCKER_HOST"] = f"unix://{self.socket}"
        self.server: _Server | None = None

    def docker_comes(self) -> None:
        """From now on, Docker answers."""
        self.server = _Server(str(self.socket), _Forward)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def docker_goes(self) -> None:
        """From now on, nothing answers in Docker's place."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.socket.unlink()
        self.server = None

    @contextlib.contextmanager
    def without_docker(self) -> Iterator[None]:
        """Takes Docker away for a while."""
        self.docker_goes()
        try:
            yield
        finally:
            self.docker_comes()

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Fills the disk for a while."""
        filler = self.data / "filler"
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=64k"], check=False, capture_output=True)
        try:
            yield
        finally:
            filler.unlink()


@contextlib.contextmanager
def frail(folder: Path, node: str, master: Master) -> Iterator[FrailNode]:
    """A running frail node; everything is cleaned up afterwards except its bots, which must be gone by then."""
    made = FrailNode(folder, node, master)
    made.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", made.data], check=True)
    try:
        made.docker_comes()
        with running(made.minion):
            made.minion.wait()
            yield made
    finally:
        made.docker_goes()
        subprocess.run(["umount", "--lazy", made.data], check=True)
