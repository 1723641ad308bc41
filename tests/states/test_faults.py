"""Whatever goes wrong on a node ends in one clear sentence, and affects only the bot concerned."""

import json
import os
import signal
import socket
import subprocess

import pytest
from masterless import IMAGE, ROOT, failed

from pillar_service.core.errors import Failed
from pillar_service.core.jobs import outcomes
from pillar_service.node import converge


def sentence(returned, bot):
    outcome = outcomes.of_bot(returned, bot)
    assert not outcome.succeeded
    return outcome.error


def test_a_taken_port(node):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        bad, good = node.add("bad", port=taken.getsockname()[1]), node.add("good")
        returned = node.call("state.apply", "pubs")
    assert "port is taken" in sentence(returned, bad)
    assert outcomes.of_bot(returned, good).succeeded


def test_a_missing_image(node):
    bad, good = node.add("bad", image="saltcellar/pub:9.9.9"), node.add("good")
    returned = node.call("state.apply", "pubs")
    states = {key.split("_|-")[1]: state for key, state in returned.items()}
    assert "load or pull it there" in states["pub image saltcellar/pub:9.9.9"]["comment"]
    assert states[f"{good} alive"]["result"] is True
    assert node.container(bad) is None
    assert "load or pull it there" in sentence(returned, bad)


@pytest.mark.parametrize(
    ("sources", "way"),
    [
        ('{"version": "9.9.9"}', "bots.rebuild"),
        ('{"version": "9.9.8"}', "bots.upgrade"),
        (False, "bots.upgrade"),
        ("[]", "bots.upgrade"),
    ],
)
def test_to_build_a_missing_image_is_advised_where_it_is_the_one_that_is_built(sources, way):
    with pytest.raises(Failed, match=f"saltcellar/pub:9.9.9 is not on the node: .*{way}"):
        converge.image("saltcellar/pub:9.9.9", sources=lambda: sources)


def test_the_image_that_is_built_has_that_name():
    sources = (ROOT / "states" / "pubs" / "image" / "package.json").read_text()
    assert f"{converge.BUILT}:{json.loads(sources)['version']}" == IMAGE


def test_docker_is_down(node):
    bot = node.add()
    returned = node.call("state.apply", "pubs", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert "Docker" in sentence(returned, bot)
    causes = [one for one in returned.values() if "requisite" not in one["comment"] and one["result"] is False]
    assert [one["__id__"] for one in causes] == ["docker engine"]
    assert not (node.data / "bots").exists()


def test_a_function_says_that_docker_is_down(node):
    bot = node.add()
    said = node.call("pubs.logs", bot, DOCKER_HOST="unix:///nowhere/docker.sock")
    assert "Docker is not answering on the node" in said


@pytest.fixture
def full_disk(node):
    node.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", node.data], check=True)
    yield node.data
    node.clear()
    subprocess.run(["umount", "--lazy", node.data], check=True)


def test_a_full_disk(node, full_disk):
    bot = node.add()
    filled = subprocess.run(["dd", "if=/dev/zero", f"of={full_disk}/filler"], check=False, capture_output=True)
    assert b"No space left" in filled.stderr
    assert "disk is full" in sentence(node.call("state.apply", "pubs"), bot)
    (full_disk / "filler").unlink()


def test_a_pub_that_crashes_says_its_last_words(node):
    bot = node.add()
    folder = node.data / "bots" / bot
    folder.mkdir(parents=True)
    (folder / "secret").write_text('{"curve": "ed25519"}')
    said = sentence(node.call("state.apply", "pubs"), bot)
    assert "last words" in said
    assert "destroy this identity" in said


def test_a_hung_pub_is_not_waited_for_long(node):
    bad, good = node.add("bad"), node.add("good")
    node.apply()
    for process in node.container(bad).top()["Processes"]:
        os.kill(int(process[1]), signal.SIGSTOP)
    states = node.apply()
    assert "did not come alive" in failed(states).get(f"{bad} alive", ""), states
    assert states[f"{good} alive"]["result"] is True


def test_a_bot_whose_entry_makes_no_sense_is_left_as_it_is(node):
    bad, good = node.add("bad"), node.add("good")
    node.apply()
    before = node.container(bad).id
    node.change(bad, port="20001:22/tcp\n- evil")
    states = node.apply()
    assert list(failed(states)) == [f"{bad} pillar"]
    assert states[f"{good} alive"]["result"] is True
    assert node.container(bad).id == before
