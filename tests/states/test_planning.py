"""A plan (test=True) is right even where an earlier state would make what a later one needs."""

import pytest
from masterless import Node, failed

NOWHERE = "unix:///nowhere/docker.sock"
NOT_BUILT = "saltcellar/pub:9.9.9"


@pytest.fixture
def bare(node: Node) -> Node:
    """A node that has no Docker and is to get it."""
    node.configure(grains={"init": "systemd", "os_family": "Debian"})
    return node


@pytest.mark.parametrize("states", ["pubs", "pubs.rebuild"])
def test_a_node_that_has_no_docker_yet(bare: Node, states: str) -> None:
    bot = bare.add("my")
    bare.add("stopped", state="stopped")
    returned = bare.call("state.apply", states, "test=True", DOCKER_HOST=NOWHERE)
    plan = {key.split("_|-")[1]: state for key, state in returned.items()}
    assert failed(plan) == {}
    assert {"docker package", "docker service"} <= plan.keys()
    assert (plan["docker engine"]["result"], plan[f"{bot} container"]["result"]) == (None, None)
    assert f"Once Docker is there, my-{bot} would be created" in plan[f"{bot} container"]["comment"]
    assert not bare.data.exists()


def test_docker_that_nothing_would_start_is_no_plan(node: Node) -> None:
    bot = node.add("my")
    node.configure(grains={"init": "other"})
    plan = node.apply("test=True", DOCKER_HOST=NOWHERE)
    assert "Docker is not answering" in failed(plan)["docker engine"]
    assert f"{bot} container" in failed(plan)


def test_an_image_that_would_be_built(node: Node) -> None:
    bot = node.add("my", image=NOT_BUILT)
    returned = node.call("state.apply", "pubs.rebuild", "test=True")
    plan = {key.split("_|-")[1]: state for key, state in returned.items()}
    assert failed(plan) == {}
    parts = (f"pub image {NOT_BUILT}", f"{bot} container", f"{bot} alive")
    assert [plan[one]["result"] for one in ("pubs image build", *parts)] == [None] * 4
    assert "bots.upgrade" in failed(node.apply("test=True"))[f"pub image {NOT_BUILT}"]
