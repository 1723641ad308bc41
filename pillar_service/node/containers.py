"""The bots' containers on this node's Docker engine."""

import contextlib
import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import docker
import requests

from pillar_service.core.errors import Failed, NotFound, Unavailable
from pillar_service.core.jobs.faults import START_DOCKER
from pillar_service.node import networks
from pillar_service.node.paths import Home

NODE_LABEL = "saltcellar.node"
BOT_LABEL = "saltcellar.bot"
TOLD_LABEL = "saltcellar.told"
LOG_BYTES = 1 << 20
"""The most bytes of logs that are returned."""
STOP_S = 10
"""Seconds that a pub may take to stop before it is killed."""
FRESH_S = 1.0
"""Seconds for which a state run, which looks at one bot after the other, uses the same listing."""

AWAY = f"Docker is not answering on the node: {START_DOCKER}."


_spoken: dict[str, str] = {}
"""The API version of the engine at each host: asked for once, and again after an error, when the engine may have changed."""


@contextlib.contextmanager
def engine(timeout_s: float = 30) -> Iterator[docker.APIClient]:
    """A client of the engine (at DOCKER_HOST or the usual socket), closed at the end; its errors are raised as ours."""
    with errors(), contextlib.closing(_client(timeout_s)) as client:
        yield client


@contextlib.contextmanager
def errors() -> Iterator[None]:
    """Raise Docker's errors as ours: Unavailable if it does not answer, NotFound, and Failed with what it said."""
    try:
        yield
    except docker.errors.NotFound as error:
        raise NotFound(f"Docker does not know it: {error.explanation or error}") from error
    except docker.errors.APIError as error:
        _spoken.clear()
        raise Failed(str(error.explanation or error)) from error
    except (requests.exceptions.RequestException, docker.errors.DockerException) as error:
        _spoken.clear()
        raise Unavailable(AWAY) from error


def _client(timeout_s: float) -> docker.APIClient:
    settings = docker.utils.kwargs_from_env()
    host = settings.get("base_url", "")
    client = docker.APIClient(version=_spoken.get(host, "auto"), timeout=timeout_s, **settings)
    _spoken[host] = client.api_version
    if client.base_url.startswith("http+docker:"):  # a socket has no proxy: the environment need not be read
        client.trust_env = False
    return client


def answers() -> bool:
    """Whether the engine answers."""
    with contextlib.suppress(Unavailable, Failed, NotFound), engine(timeout_s=5) as client:
        return bool(client.ping())
    return False


def ours(client: docker.APIClient, node: str) -> dict[str, Mapping[str, Any]]:
    """This node's bots' containers by bot id, in whatever state, as Docker lists them."""
    return by_bot(all_of(client, node))


def all_of(client: docker.APIClient, node: str) -> list[Mapping[str, Any]]:
    """All containers that were made for this node, as Docker lists them."""
    return list(client.containers(all=True, filters={"label": f"{NODE_LABEL}={node}"}))


def find(client: docker.APIClient, node: str, bot: str) -> Mapping[str, Any] | None:
    """The bot's container as Docker lists it; None if this node has none."""
    labels = [f"{NODE_LABEL}={node}", f"{BOT_LABEL}={bot}"]  # the more containers are listed, the longer it takes
    return by_bot(client.containers(all=True, filters={"label": labels})).get(bot)


def by_bot(listed: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The bots' containers among those listed, by bot id."""
    return {bot: one for one in listed if (bot := one["Labels"].get(BOT_LABEL)) and not _replaces(one, bot)}


def _replaces(listed: Mapping[str, Any], bot: str) -> bool:
    # docker_container.running makes a short-lived container with the same labels and no name of its own, for comparison.
    return not name(listed).endswith(f"-{bot}")


def leftovers(client: docker.APIClient, node: str) -> list[Mapping[str, Any]]:
    """Containers that Salt made for comparison and did not remove, because it was killed; they never ran."""
    filters = {"label": f"{NODE_LABEL}={node}", "status": "created"}
    listed = client.containers(all=True, filters=filters)
    return [one for one in listed if (bot := one["Labels"].get(BOT_LABEL)) and _replaces(one, bot)]


def name(listed: Mapping[str, Any]) -> str:
    """A listed container's name."""
    return str(listed["Names"][0]).lstrip("/") if listed.get("Names") else str(listed["Id"])[:12]


def of_bot(client: docker.APIClient, node: str, bot: str) -> Mapping[str, Any]:
    """The bot's container; raises NotFound if this node has none."""
    found = find(client, node, bot)
    if found is None:
        raise NotFound("The bot has no container on this node: start the bot to make one.")
    return found


def is_as_told(node: str, home: Home, bot: str, told: str, image: str, memory_mb: int, network: str) -> bool:
    """Whether the bot's container runs, was made from ``told`` and ``image``, and was not changed by hand since."""
    with engine() as client:
        listed = _lately(("ours", node), lambda: ours(client, node)).get(bot)
        if listed is None or listed["State"] != "running" or listed["Labels"].get(TOLD_LABEL) != told:
            return False
        limits = client.inspect_container(listed["Id"])["HostConfig"]
        return (
            listed["ImageID"] == _lately(("image", image), lambda: client.inspect_image(image)["Id"])
            and network in listed["NetworkSettings"]["Networks"]
            and (limits["Memory"], limits["RestartPolicy"]["Name"]) == (memory_mb << 20, "unless-stopped")
            and int(home.config(bot).stat().st_mtime) <= listed["Created"]
        )


def is_stranded(node: str, bot: str, network: str) -> bool:
    """Whether the bot's container is on a deleted network of that name (`docker network prune`), and so can't start."""
    with engine() as client:
        listed = find(client, node, bot) or {"NetworkSettings": {"Networks": {}}}
        bound = listed["NetworkSettings"]["Networks"].get(network)
        return bound is not None and bound["NetworkID"] not in {one["Id"] for one in networks.named(client, network)}


_found: dict[tuple[str, str], tuple[float, Any]] = {}


def _lately(what: tuple[str, str], ask: Callable[[], Any]) -> Any:
    """What this process found within the last second, or asks for now."""
    at, found = _found.get(what, (float("-inf"), None))
    if time.monotonic() - at > FRESH_S:
        found = ask()
        _found[what] = time.monotonic(), found
    return found


def unlisted(client: docker.APIClient, node: str, listed: set[str]) -> list[str]:
    """The names of this node's containers whose bot is not in ``listed``."""
    return sorted(name(one) for bot, one in ours(client, node).items() if bot not in listed)


def has_image(client: docker.APIClient, tag: str) -> bool:
    """Whether the engine has that image."""
    try:
        client.inspect_image(tag)
    except docker.errors.ImageNotFound:
        return False
    return True


def stop(client: docker.APIClient, container: str) -> None:
    """Stop a container, be it running, restarting or paused; a stopped one stays as it is."""
    if client.inspect_container(container)["State"].get("Paused"):
        client.unpause(container)
    client.stop(container, timeout=STOP_S)


def remove(client: docker.APIClient, container: str) -> None:
    """Stop and remove a container with its anonymous volumes."""
    stop(client, container)
    client.remove_container(container, v=True)


def logs(client: docker.APIClient, container: str, lines: int) -> list[str]:
    """The last lines of a container's output, at most 1 MiB of them."""
    written = client.logs(container, stdout=True, stderr=True, tail=lines, timestamps=True)
    return written[-LOG_BYTES:].decode(errors="replace").splitlines()[-lines:]


def last_words(client: docker.APIClient, container: str) -> str:
    """The last line that a container wrote, at most 300 characters."""
    written = client.logs(container, stdout=True, stderr=True, tail=5)[-4096:].decode(errors="replace").split("\n")
    return next((line.strip()[:300] for line in reversed(written) if line.strip()), "none.")


def uptime_s(inspected: Mapping[str, Any]) -> int:
    """Seconds that an inspected container has been running; 0 if it does not run."""
    state = inspected["State"]
    if not state["Running"]:
        return 0
    # Docker writes nanoseconds, in UTC.
    started = datetime.datetime.fromisoformat(state["StartedAt"][:19] + "+00:00")
    return max(0, int((datetime.datetime.now(datetime.UTC) - started).total_seconds()))
