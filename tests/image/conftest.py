"""Real pubs and real peers in Docker, from the image that ``vagrant/pub-image.sh`` builds."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import docker
import pytest
from ports import free_port

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
HARDENED = {
    "init": True,
    "mem_limit": "256m",
    "memswap_limit": "256m",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "restart_policy": {"Name": "unless-stopped"},
}


def until(condition, seconds):
    """Wait until ``condition()`` is true and return its value; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)
    return value


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("pub", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Pub:
    """A pub in a container, with its data directory on the host."""

    def __init__(self, engine, image, data, name):
        self.engine, self.image, self.data, self.name = engine, image, data, name
        self.port = free_port()
        self.host = "pub.test"
        self.container = None
        self.write_config()

    def write_config(self, **changes):
        config = json.loads((HERE / "fixtures/config").read_text())
        config["connections"]["incoming"]["net"][0].update(external=self.host, port=self.port)
        (self.data / "config").write_text(json.dumps({**config, **changes}))

    def start(self, **options):
        options = {**HARDENED, "ports": {f"{self.port}/tcp": self.port}, **options}
        volumes = {
            str(self.data): {"bind": "/home/node/.ssb"},
            str(HERE / "peer"): {"bind": "/peer", "mode": "ro"},
        }
        self.container = self.engine.containers.run(self.image, name=self.name, detach=True, volumes=volumes, **options)
        return self

    def ask(self, method, path, body=None):
        """Ask the control API; return (status, answer)."""
        connection = SocketConnection(self.data / "control.sock")
        try:
            text = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request(method, path, text)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def get(self, path):
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def is_up(self):
        try:
            return self.get("/info")
        except OSError:
            return None

    def wait_up(self, seconds=20):
        return until(self.is_up, seconds)

    def invite(self, uses=1, note=""):
        status, answer = self.ask("POST", "/invites", {"uses": uses, "note": note})
        assert status == 200, answer
        return answer

    def entry(self, invite):
        return next(entry for entry in self.get("/invites") if entry["id"] == invite["id"])

    def state(self):
        self.container.reload()
        return self.container.attrs["State"]

    def health(self):
        return self.state()["Health"]["Status"]

    def node_pid(self):
        """The host's pid of the pub's node: the child of the container's init."""
        init = self.state()["Pid"]
        return int(Path(f"/proc/{init}/task/{init}/children").read_text().split()[0])

    def logs(self):
        return self.container.logs().decode()

    def restart(self):
        self.container.stop(timeout=5)
        self.container.start()
        return self.wait_up()


class Peer:
    """Another person's Scuttlebutt, with its own identity; peer/peer.js describes its commands."""

    def __init__(self, engine, image, data, name):
        self.engine, self.image, self.data, self.name = engine, image, data, name

    def begin(self, *words):
        """Start running commands and return the container."""
        return self.engine.containers.run(
            self.image,
            ["node", "/peer/peer.js", *map(str, words)],
            name=f"{self.name}-{uuid.uuid4().hex[:6]}",
            labels={"image-test": self.name},
            detach=True,
            init=True,
            extra_hosts={"pub.test": "host-gateway"},
            environment={"PEER_TIMEOUT": "20"},
            volumes={
                str(self.data): {"bind": "/home/node/.ssb"},
                str(HERE / "peer"): {"bind": "/peer", "mode": "ro"},
            },
        )

    def end(self, container):
        """Wait for a run, remove its container, and return the lines it printed."""
        container.wait(timeout=120)
        lines = container.logs(stderr=False).decode().splitlines()
        container.remove(v=True)
        return [json.loads(line) for line in lines]

    def __call__(self, *words):
        return self.end(self.begin(*words))

    @property
    def id(self):
        return self("whoami")[0]["id"]


@pytest.fixture(scope="session")
def image():
    """The tag of the pub image, built by the script that provisions nodes."""
    with tempfile.TemporaryDirectory(prefix="image-test-log-") as logs:
        env = {"SALTCELLAR_LOG_DIR": logs, **os.environ}
        done = subprocess.run([ROOT / "vagrant/pub-image.sh"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    version = json.loads((ROOT / "states/pubs/image/package.json").read_text())["version"]
    return f"saltcellar/pub:{version}"


@pytest.fixture(scope="session")
def engine():
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def places(engine):
    """Makes (data directory, container name) pairs; removes directories and containers at the end."""
    made = []

    def place():
        # Not pytest's tmp_path: a Unix socket's path may have at most 107 characters.
        data = Path(tempfile.mkdtemp(prefix="image-test-"))
        os.chown(data, 1000, 1000)
        made.append(data)
        return data, data.name

    yield place
    for data in made:
        for container in engine.containers.list(all=True, filters={"name": data.name}):
            container.remove(force=True, v=True)
        shutil.rmtree(data)


@pytest.fixture(scope="module")
def new_pub(engine, image, places):
    return lambda: Pub(engine, image, *places())


@pytest.fixture(scope="module")
def new_peer(engine, image, places):
    return lambda: Peer(engine, image, *places())


@pytest.fixture(scope="module")
def pub(new_pub):
    """A running pub, shared by the tests of a file."""
    running = new_pub().start()
    running.wait_up()
    return running


@pytest.fixture
def wait_until():
    return until
