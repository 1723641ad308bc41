"""What the benchmarks measure: the service, a master with its dispatcher, and one node, each started on first use."""

import contextlib
import os
import secrets
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
import salt.client
import salt.config
from daemons import Service, running
from salt_daemons import Master, Minion

from bench import TOP
from pillar_service.core.jobs.jobs import OVER
from pillar_service.master.client import Client

ACCOUNT = "bench@example.org"
PORTS = "24000-24499"
NETWORK = "saltcellar"


class Cellar:
    """One node with its master and the service, as shipped; all of it is removed when ``stack`` is closed.

    What belongs to one benchmark is removed when ``here`` is closed: work left in it would disturb the next one.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack, self.here = folder, stack, ExitStack()
        self.node = f"bench-{secrets.token_hex(3)}"

    @cached_property
    def engine(self) -> docker.DockerClient:
        """The Docker engine with the pub's image; our containers are removed at the end."""
        subprocess.run([TOP / "vagrant/pub-image.sh"], env=self._logs(), check=True, capture_output=True)
        engine = docker.from_env()
        self.stack.callback(engine.close)
        if not engine.networks.list(names=[f"^{NETWORK}$"]):
            self.stack.callback(_remove_network, engine)
        self.stack.callback(self._remove_containers, engine)
        return engine

    @cached_property
    def service(self) -> Service:
        """Both apps with the default number of workers, a node and an account."""
        service = self.stack.enter_context(running(self._new("service", {})))
        service.manage("node-add", self.node, "--ports", PORTS)
        return service

    def new_service(self, name: str, more: Mapping[str, str] | None = None) -> Service:
        """Start another service with its own database, and further settings, for one benchmark."""
        return self.here.enter_context(running(self._new(name, more or {})))

    def _new(self, name: str, more: Mapping[str, str]) -> Service:
        service = Service(self.folder / name)
        del service.environment["CELLAR_WORKERS"]  # the tests' single worker is not what is shipped
        service.environment.update(more)
        return service

    @cached_property
    def client(self) -> Client:
        """The client of the private app that the runners use."""
        client = Client(self.service.url, str(self.service.token_file), actor="bench")
        client.create_agent({"type": "person", "email": ACCOUNT, "password": ACCOUNT})
        return client

    @cached_property
    def master(self) -> Master:
        """A salt-master with the shipped configuration and the dispatcher."""
        folder = self.folder / "master"
        return self.stack.enter_context(running(Master(folder, self.service.url, self.service.token_file)))

    @cached_property
    def minion(self) -> Minion:
        """The node, once it answers, with our states and modules."""
        assert self.engine
        assert self.client
        minion = self.stack.enter_context(running(Minion(self.folder / "minion", self.node, self.master)))
        minion.wait()
        self.call("saltutil.sync_all")
        return minion

    @cached_property
    def salt(self) -> salt.client.LocalClient:
        """A warm client of the master."""
        return local_client(self.master)

    def call(self, function: str, *arguments: Any, seconds: int = 300) -> Any:
        """Call a function on the node, and return what it returns; raises TimeoutError."""
        return call(self.salt, self.node, function, *arguments, seconds=seconds)

    def data(self, bot: str) -> Path:
        """A bot's data directory."""
        return self.folder / "minion" / "node" / "bots" / bot

    def create(self, name: str) -> dict[str, Any]:
        """Ask for a bot as the runner does; returns {"agent", "job"} at once."""
        assert self.minion
        return self.client.create_agent({"type": "bot", "name": name, "account": ACCOUNT, "node": self.node})

    def delete(self, bots: Iterable[str]) -> None:
        """Delete bots with their data, and wait until they are gone."""
        for asked in [self.client.delete_agent(bot, purge=True) for bot in bots]:
            self.done(asked["job"])

    def done(self, job: dict[str, Any], seconds: float = 300) -> dict[str, Any]:
        """Wait until a job is over, and return it; raises RuntimeError unless it succeeded."""
        ends, after = time.monotonic() + seconds, 0
        while job["state"] not in OVER and time.monotonic() < ends:
            job, lines = self.client.job(job["id"], after, wait=25)
            after = lines[-1]["n"] if lines else after
        if job["state"] != "succeeded":
            raise RuntimeError(f"{job['command']} of {job['bot']} is {job['state']}: {job['error']}")
        return job

    def _logs(self) -> dict[str, str]:
        return {"SALTCELLAR_LOG_DIR": str(self.folder / "log")} | os.environ

    def _remove_containers(self, engine: docker.DockerClient) -> None:
        for container in engine.containers.list(all=True, filters={"label": f"saltcellar.node={self.node}"}):
            with contextlib.suppress(docker.errors.NotFound):
                container.remove(force=True, v=True)


def _remove_network(engine: docker.DockerClient) -> None:
    # Everything on this engine shares the network, which stays while anybody uses it.
    for network in engine.networks.list(names=[f"^{NETWORK}$"]):
        with contextlib.suppress(docker.errors.APIError):
            network.remove()


def local_client(master: Master) -> salt.client.LocalClient:
    """A client that is connected to a master."""
    return salt.client.LocalClient(mopts=salt.config.client_config(str(master.etc / "master")))


def call(client: salt.client.LocalClient, node: str, function: str, *arguments: Any, seconds: int = 300) -> Any:
    """Call a function on a node, and return what it returns; raises TimeoutError."""
    returned = client.cmd([node], function, list(arguments), tgt_type="list", timeout=seconds)
    if node not in returned:
        raise TimeoutError(f"{node} did not return {function} within {seconds} s.")
    return returned[node]
