"""Helpers of the campaigns: bots of a real stack, and their containers in Docker."""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import docker
from daemons import until

from pillar_service.core.jobs.jobs import OVER
from pillar_service.master.client import Client


@contextlib.contextmanager
def swept(folder: Path) -> Iterator[None]:
    """Removes, at the end, every container whose data is in the folder."""
    with contextlib.closing(docker.from_env()) as engine:
        try:
            yield
        finally:
            for container in within(engine, folder):
                with contextlib.suppress(docker.errors.NotFound):
                    container.remove(force=True, v=True)


def within(engine: docker.DockerClient, folder: Path) -> list[Any]:
    """All containers, running or not, whose data is in the folder."""
    return [
        container
        for container in engine.containers.list(all=True, ignore_removed=True)
        if any(str(mount.get("Source", "")).startswith(f"{folder}/") for mount in container.attrs["Mounts"])
    ]


def of_bot(engine: docker.DockerClient, bot: str) -> list[Any]:
    """All containers of a bot, running or not."""
    return engine.containers.list(all=True, filters={"label": f"saltcellar.bot={bot}"}, ignore_removed=True)


def only(engine: docker.DockerClient, bot: str) -> Any:
    """The only container of a bot."""
    found = of_bot(engine, bot)
    assert len(found) == 1, f"{bot} has {len(found)} containers"
    return found[0]


def state(container: Any) -> dict[str, Any]:
    """The container's current state, as Docker reports it."""
    container.reload()
    return dict(container.attrs["State"])


def hang(container: Any) -> None:
    """Stops (SIGSTOP) the pub's own process, a child of the container's init."""
    first = until(lambda: state(container)["Pid"], 30, "the pub runs")
    below = Path(f"/proc/{first}/task/{first}/children")
    os.kill(int(until(lambda: below.read_text().split(), 30, "the pub's process")[0]), signal.SIGSTOP)


def lives(engine: docker.DockerClient, bots: Iterable[str]) -> dict[str, Any]:
    """For each bot, its container's id, start time and status: equal as long as nobody touched it."""
    return {
        bot: [(one.id, one.attrs["State"]["StartedAt"], one.attrs["State"]["Status"]) for one in of_bot(engine, bot)]
        for bot in bots
    }


def over(client: Client, job: str, seconds: float = 90) -> dict[str, Any]:
    """Waits until the job is over, and returns it."""

    def ended() -> dict[str, Any] | None:
        found = client.job(job)[0]
        return found if found["state"] in OVER else None

    return until(ended, seconds, f"the job {job} ends")


def succeeded(client: Client, job: dict[str, Any], seconds: float = 90) -> dict[str, Any]:
    """Waits until the job is over, and returns it; it must have succeeded."""
    ended = over(client, job["id"], seconds)
    assert ended["state"] == "succeeded", ended
    return ended


def person(client: Client, email: str) -> str:
    """Makes an account with that address unless it exists; returns the address."""
    if not client.agents(type="person", email=email):
        client.create_agent({"type": "person", "email": email})
    return email


def poured(client: Client, names: Iterable[str], account: str, node: str) -> list[str]:
    """Pours new bots side by side, and returns their ids once they are alive."""
    told = {"type": "bot", "account": person(client, account), "node": node}
    made = [client.create_agent(told | {"name": name}) for name in names]
    for one in made:
        succeeded(client, one["job"])
    return [one["agent"]["id"] for one in made]


def restarted(master: Any, name: str) -> Any:
    """Restarts a bot and returns the result; None while the service waits until the new node says that the bot has arrived."""
    code, told = master.run("bots.restart", name)
    assert code == 0 or "is moving" in told["error"], told
    return told if code == 0 else None


def let_go(client: Client, bots: Iterable[str], seconds: float = 120) -> None:
    """Deletes the bots with their data."""
    for job in [client.delete_agent(bot, purge=True)["job"] for bot in bots]:
        succeeded(client, job, seconds)
