"""The network of the bots' containers: one by its name, even where several nodes share an engine and make it at once.

Docker takes a name twice, and from then on starts no container by it.
"""

from collections.abc import Mapping
from typing import Any

import docker

from pillar_service.core.errors import Failed


def named(client: docker.APIClient, name: str) -> list[Mapping[str, Any]]:
    """The networks of exactly that name, the oldest first."""
    found = [one for one in client.networks(names=[name]) if one["Name"] == name]
    return sorted(found, key=lambda one: (one["Created"], one["Id"]))


def settle(client: docker.APIClient, name: str) -> tuple[bool, int]:
    """Make the network if there is none, and take twins away that nobody is on; whether it was made, how many went.

    Raises Failed when containers are on two of them.
    """
    made = not named(client, name)
    if made:
        client.create_network(name, driver="bridge", check_duplicate=True)
    found = named(client, name)
    used = [one for one in found if client.inspect_network(one["Id"])["Containers"]]
    if len(used) > 1:
        raise Failed(
            f"Docker has {len(used)} networks called {name} with containers on each: remove the containers of one of "
            f"them (docker network inspect {used[-1]['Id'][:12]}), then start the bots again."
        )
    # Whoever comes second keeps the same one as the first, the oldest: both may be at it now.
    kept = (used or found)[0]["Id"]
    twins = [one["Id"] for one in found if one["Id"] != kept]
    return made, sum(_removed(client, twin) for twin in twins)


def _removed(client: docker.APIClient, network: str) -> bool:
    try:
        client.remove_network(network)
    except docker.errors.NotFound:
        return False  # the other one was quicker
    except docker.errors.APIError as error:
        raise Failed(f"Docker has a second network of that name and can't remove it: {error.explanation}") from error
    return True
