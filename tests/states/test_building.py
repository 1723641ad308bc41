"""What a job says when building the image fails."""

import docker
from masterless import IMAGE, Node

from pillar_service.core.jobs import outcomes

REGISTRY = "127.0.0.1:9"
"""An address where nothing answers. Docker's log names it, but not what was asked of it."""
NOWHERE = f"{REGISTRY}/saltcellar/none:1"


def test_a_build_that_fails_tells_its_log_and_leaves_the_image(node: Node, engine: docker.DockerClient) -> None:
    bot, before = node.add("my"), engine.images.get(IMAGE).id
    node.configure(saltcellar={"data": str(node.data), "patience_s": 10, "base_image": NOWHERE})
    returned = node.call("state.apply", "pubs.rebuild")
    [built] = [state for state in returned.values() if state["__id__"] == "pubs image build"]
    assert not built["result"]
    assert any(REGISTRY in line for line in built["log"]), built
    outcome = outcomes.of_bot(returned, bot)
    assert "could not be built: pub-image: docker build failed" in str(outcome.error)
    assert REGISTRY in str(outcome.error)
    assert engine.images.get(IMAGE).id == before
    assert node.container(bot) is None
