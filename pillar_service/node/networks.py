"""The network of the bots' containers: exactly one of its name, even if several nodes share an engine and make it at once.

Docker accepts a second network of the same name, and then starts no container on either by that name.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import docker

from pillar_service.core.errors import Failed, Unavailable


def named(client: docker.APIClient, name: str) -> list[Mapping[str, Any]]:
    """The networks of exactly that name, oldest first."""
    found = [one for one in client.networks(names=[name]) if one["Name"] == name]
    return sorted(found, key=lambda one: (one["Created"], one["Id"]))


def settle(client: docker.APIClient, name: str) -> tuple[bool, int]:
    """Make the network if there is none, and remove unused twins; returns whether it was made, and how many were removed.

    Raises Failed if containers are on two of them, Unavailable if somebody removes the network at this moment.
    """
    made = not named(client, name) and _made(client, name)
    on_it = {one["Id"]: _on_it(client, one["Id"]) for one in named(client, name)}
    there = [one for one, containers in on_it.items() if containers is not None]
    used = [one for one in there if on_it[one]]
    if len(used) > 1:
        raise Failed(
            f"Docker has {len(used)} networks called {name} with containers on each: remove the containers of one of "
            f"them (docker network inspect {used[-1][:12]}), then start the bots again."
        )
    # Two nodes may be doing this at once: both keep the same network, the one in use or the oldest.
    if not there:
        raise Unavailable(f"Docker's network {name} was removed just as it was looked up: try again.")
    kept = (used or there)[0]
    twins = [one for one in there if one != kept]
    return made, sum(_removed(client, twin) for twin in twins)


def clear(client: docker.APIClient, name: str) -> None:
    """Remove the networks of that name that no container is on, not even a stopped one."""
    for one in named(client, name):
        if not client.containers(all=True, filters={"network": one["Id"]}):
            _removed(client, one["Id"])


def _made(client: docker.APIClient, name: str) -> bool:
    try:
        client.create_network(name, driver="bridge", check_duplicate=True)
    except docker.errors.APIError as error:
        if error.status_code != HTTPStatus.CONFLICT:
            raise
        return False  # another node was faster
    return True


def _on_it(client: docker.APIClient, network: str) -> int | None:
    """How many containers are on a network; None if another node has just removed it."""
    try:
        return len(client.inspect_network(network)["Containers"])
    except docker.errors.NotFound:
        return None


def _removed(client: docker.APIClient, network: str) -> bool:
    try:
        client.remove_network(network)
    except docker.errors.NotFound:
        return False  # another node was faster
    except docker.errors.APIError as error:
        raise Failed(f"Docker can't remove a network that no container is on: {error.explanation}") from error
    return True
