"""What the campaigns share: bots of a real stack, and their containers on the engine."""

import contextlib
import os
import random
import signal
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import docker
from daemons import until

from pillar_service.core.jobs.jobs import OVER
from pillar_service.master.client import Client


def free_ports(count: int) -> tuple[int, int]:
    """The first and the last of so many ports in a row that nobody has now, below those the system gives away."""
    for _ in range(200):
        first = random.randrange(20_000, 32_000 - count)
        if all(_is_free(port) for port in range(first, first + count)):
            return first, first + count - 1
    raise AssertionError(f"There are no {count} free ports in a row on this machine.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("0.0.0.0", port))
        return True
    return False


@contextlib.contextmanager
def swept(folder: Path) -> Iterator[None]:
    """Afterwards no container is left whose data is in the folder."""
    with contextlib.closing(docker.from_env()) as engine:
        try:
            yield
        finally:
            for container in within(engine, folder):
                with contextlib.suppress(docker.errors.NotFound):
                    container.remove(force=True, v=True)


def within(engine: docker.DockerClient, folder: Path) -> list[Any]:
    """The containers, running or not, whose data is in the folder."""
    return [
        container
        for container in engine.containers.list(all=True, ignore_removed=True)
        if any(str(mount.get("Source", "")).startswith(f"{folder}/") for mount in container.attrs["Mounts"])
    ]


def of_bot(engine: docker.DockerClient, bot: str) -> list[Any]:
    """Every container of a bot, running or not."""
    return engine.containers.list(all=True, filters={"label": f"saltcellar.bot={bot}"}, ignore_removed=True)


def only(engine: docker.DockerClient, bot: str) -> Any:
    """The one container of a bot."""
    found = of_bot(engine, bot)
    assert len(found) == 1, f"{bot} has {len(found)} containers"
    return found[0]


def state(container: Any) -> dict[str, Any]:
    """How a container is now, as the engine tells."""
    container.reload()
    return dict(container.attrs["State"])


def hang(container: Any) -> None:
    """Stops the pub itself, which is below the container's init."""
    first = until(lambda: state(container)["Pid"], 30, "the pub runs")
    below = Path(f"/proc/{first}/task/{first}/children")
    os.kill(int(until(lambda: below.read_text().split(), 30, "the pub's process")[0]), signal.SIGSTOP)


def lives(engine: docker.DockerClient, bots: Iterable[str]) -> dict[str, Any]:
    """Of each bot the container's id, when it was started and whether it runs: equal as long as nobody touched it."""
    return {
        bot: [(one.id, one.attrs["State"]["StartedAt"], one.attrs["State"]["Status"]) for one in of_bot(engine, bot)]
        for bot in bots
    }


def over(client: Client, job: str, seconds: float = 90) -> dict[str, Any]:
    """The job once it is over."""

    def ended() -> dict[str, Any] | None:
        found = client.job(job)[0]
        return found if found["state"] in OVER else None

    return until(ended, seconds, f"the job {job} ends")


def succeeded(client: Client, job: dict[str, Any], seconds: float = 90) -> dict[str, Any]:
    """The job once it has succeeded."""
    ended = over(client, job["id"], seconds)
    assert ended["state"] == "succeeded", ended
    return ended


def person(client: Client, email: str) -> str:
    """An account with that address, made if it is not there."""
    if not client.agents(type="person", email=email):
        client.create_agent({"type": "person", "email": email})
    return email


def poured(client: Client, names: Iterable[str], account: str, node: str) -> list[str]:
    """The ids of new bots, alive, poured side by side."""
    told = {"type": "bot", "account": person(client, account), "node": node}
    made = [client.create_agent(told | {"name": name}) for name in names]
    for one in made:
        succeeded(client, one["job"])
    return [one["agent"]["id"] for one in made]


def restarted(master: Any, name: str) -> Any:
    """What a bot's restart says; None while the service waits for its new node's word that it has arrived."""
    code, told = master.run("bots.restart", name)
    assert code == 0 or "is moving" in told["error"], told
    return told if code == 0 else None


def let_go(client: Client, bots: Iterable[str], seconds: float = 120) -> None:
    """Deletes bots with their data."""
    for job in [client.delete_agent(bot, purge=True)["job"] for bot in bots]:
        succeeded(client, job, seconds)
