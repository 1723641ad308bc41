"""There is one network of a name, even if several make it at the same moment; on the real engine."""

import contextlib
import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import docker
import pytest
from masterless import IMAGE, Node

from pillar_service.core.errors import Failed
from pillar_service.node import containers, converge, networks


@pytest.fixture
def name() -> Iterator[str]:
    chosen = f"saltcellar-test-{secrets.token_hex(4)}"
    yield chosen
    with containers.engine() as client:
        for one in networks.named(client, chosen):
            with contextlib.suppress(docker.errors.APIError):
                client.remove_network(one["Id"])


def twin(name: str) -> None:
    with containers.engine() as client:
        client.create_network(name, check_duplicate=False)


def there(name: str) -> list[str]:
    with containers.engine() as client:
        return [one["Id"] for one in networks.named(client, name)]


def test_it_is_made_once(name: str) -> None:
    assert converge.network(name, plan_only=True).would_change
    assert there(name) == []
    assert converge.network(name, plan_only=False).changes
    assert not converge.network(name, plan_only=False).changes
    assert len(there(name)) == 1


def test_nodes_that_make_it_at_once_end_up_with_the_same(name: str) -> None:
    with ThreadPoolExecutor(6) as nodes:
        for made in [nodes.submit(converge.network, name, False) for _ in range(6)]:
            made.result()  # Whoever Docker refuses because the name has just been taken uses the other's network.
    assert len(there(name)) == 1


def test_a_twin_goes_and_the_oldest_stays(name: str) -> None:
    converge.network(name, plan_only=False)
    [first] = there(name)
    twin(name)
    twin(name)
    assert "2 twins" in converge.network(name, plan_only=False).comment
    assert there(name) == [first]


def test_a_name_that_only_begins_alike_is_another(name: str) -> None:
    twin(f"{name}-more")
    try:
        assert converge.network(name, plan_only=False).changes
        assert len(there(name)) == 1
    finally:
        with containers.engine() as client:
            client.remove_network(f"{name}-more")


def test_none_is_cut_off_where_two_are_in_use(name: str, image: str) -> None:
    twin(name)
    twin(name)
    made = []
    try:
        with containers.engine() as client:
            for network in there(name):
                config = client.create_networking_config({network: client.create_endpoint_config()})
                made.append(client.create_container(image, ["sleep", "60"], networking_config=config)["Id"])
                client.start(made[-1])
        with pytest.raises(Failed, match="2 networks called"):
            converge.network(name, plan_only=False)
    finally:
        with containers.engine() as client:
            for one in made:
                client.remove_container(one, force=True)


def test_a_stopped_container_whose_network_was_removed_is_made_anew(name: str, node: Node) -> None:
    bot = node.add()
    container = {"name": f"pub-{bot}", "image": IMAGE, "network_mode": name, "command": "sleep 600"}
    labels = {"saltcellar.node": node.id, "saltcellar.bot": bot}

    def poured() -> str:
        told = json.dumps(container | {"labels": labels})
        [ret] = node.call(
            "state.single", "pub.poured", f"name={bot} container", f"bot={bot}", "told=x", "memory_mb=128",
            f"container={told}",
        ).values()  # fmt: skip
        assert ret["result"] is True, ret
        made = node.container(bot)
        assert made.status == "running"
        return str(made.id)

    converge.network(name, plan_only=False)
    first = poured()
    node.container(bot).stop(timeout=0)
    assert poured() == first
    node.container(bot).stop(timeout=0)
    with containers.engine() as client:
        client.remove_network(name)
    converge.network(name, plan_only=False)
    assert poured() != first
    assert len(node.engine.containers.list(all=True, filters={"label": f"saltcellar.bot={bot}"})) == 1
