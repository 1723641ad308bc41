"""The network of the bots' containers: one by its name, even where several nodes share an engine and make it at once.

Docker takes a name twice, and from then on starts no container by it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import docker

from pillar_service.core.errors import Failed, Unavailable


def named(client: docker.APIClient, name: str) -> list[Mapping[str, Any]]:
    """The networks of exactly that name, the oldest first."""
    found = [one for one in client.networks(names=[name]) if one["Name"] == name]
    return sorted(found, key=lambda one: (one["Created"], one["Id"]))


def settle(client: docker.APIClient, name: str) -> tuple[bool, int]:
    """Make the network if there is none, and take twins away that nobody is on; whether it was made, how many went.

    Raises Failed when containers are on two of them, Unavailable when somebody removes it at this moment.
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
    # Whoever comes second keeps the same one as the first, the oldest: both may be at it now.
    if not there:
        raise Unavailable(f"Docker's network {name} was taken away just as it was looked for: try again.")
    kept = (used or there)[0]
    twins = [one for one in there if one != kept]
    return made, sum(_removed(client, twin) for twin in twins)


def clear(client: docker.APIClient, name: str) -> None:
    """Remove the networks of that name that no container is on, be it one that is stopped."""
    for one in named(client, name):
        if not client.containers(all=True, filters={"network": one["Id"]}):
            _removed(client, one["Id"])


def _made(client: docker.APIClient, name: str) -> bool:
    try:
        client.create_network(name, driver="bridge", check_duplicate=True)
    except docker.errors.APIError as error:
        if error.status_code != HTTPStatus.CONFLICT:
            raise
        return False  # another node was quicker
    return True


def _on_it(client: docker.APIClient, network: str) -> int | None:
    """How many containers are on a network; None when another node has just taken it away."""
    try:
        return len(client.inspect_network(network)["Containers"])
    except docker.errors.NotFound:
        return None


def _removed(client: docker.APIClient, network: str) -> bool:
    try:
        client.remove_network(network)
    except docker.errors.NotFound:
        return False  # the other one was quicker
    except docker.errors.APIError as error:
        raise Failed(f"Docker can't remove a network that nobody is on: {error.explanation}") from error
    return True
