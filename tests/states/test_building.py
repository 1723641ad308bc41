"""A build of the image that fails: what the job reads of it."""

import docker
from masterless import IMAGE, Node

from pillar_service.core.jobs import outcomes

NOWHERE = "127.0.0.1:9/saltcellar/none:1"


def test_a_build_that_fails_tells_its_log_and_leaves_the_image(node: Node, engine: docker.DockerClient) -> None:
    bot, before = node.add("my"), engine.images.get(IMAGE).id
    node.configure(saltcellar={"data": str(node.data), "patience_s": 10, "base_image": NOWHERE})
    returned = node.call("state.apply", "pubs.rebuild")
    [built] = [state for state in returned.values() if state["__id__"] == "pubs image build"]
    assert not built["result"]
    assert any(NOWHERE in line for line in built["log"])
    outcome = outcomes.of_bot(returned, bot)
    assert "could not be built: pub-image: docker build failed" in str(outcome.error)
    assert NOWHERE in str(outcome.error)
    assert engine.images.get(IMAGE).id == before
    assert node.container(bot) is None
