"""A bot whose data is gone is not poured with a new identity: its pillar says who it is."""

import shutil
import time
from collections.abc import Callable

import pytest
from masterless import Node, changed, failed

from pillar_service.core.bots import identities
from pillar_service.core.jobs import outcomes

OTHER = "@" + "A" * 43 + "=.ed25519"


@pytest.fixture
def known(node: Node) -> str:
    """A poured pub whose identity is in the pillar by now."""
    bot = node.add("my")
    states = node.apply()
    assert failed(states) == {}
    node.change(bot, pub_id=states[f"{bot} alive"]["pub"]["pub_id"])
    return bot


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)


def test_that_it_became_known_changes_nothing(node: Node, known: str) -> None:
    before, config = node.container(known), node.data / "configs" / f"{known}.json"
    written = config.stat().st_mtime_ns
    planned = node.apply("test=True")
    assert {state["result"] for state in planned.values()} == {True}
    assert node.bots[known]["pub_id"] not in config.read_text()
    assert (failed(states := node.apply()), changed(states)) == ({}, {})
    assert node.bots[known]["pub_id"] in config.read_text()
    assert config.stat().st_mtime_ns == written
    after = node.container(known)
    assert (after.id, after.attrs["State"]["StartedAt"]) == (before.id, before.attrs["State"]["StartedAt"])
    node.change(known, pub_id=None)  # An older copy of the pillar.
    assert changed(node.apply()) == {}
    assert OTHER not in config.read_text()
    assert "ed25519" in config.read_text()


def test_a_pub_whose_data_is_gone_is_not_poured_anew(node: Node, known: str) -> None:
    node.apply()
    data, pub_id = node.data / "bots" / known, node.bots[known]["pub_id"]
    elsewhere = node.folder / "elsewhere"
    node.container(known).stop()
    shutil.move(data, elsewhere)

    node.container(known).start()
    until(lambda: f"should be {pub_id}, but no identity is there" in node.container(known).logs().decode())
    assert failed(node.apply("test=True")).keys() >= {f"{known} dir"}
    node.container(known).remove(force=True)
    shutil.rmtree(data)
    outcome = outcomes.of_bot(node.call("state.apply", "pubs"), known)

    assert outcome.error == identities.another(pub_id, None)
    assert node.container(known) is None
    assert not data.exists()
    shutil.move(elsewhere, data)
    states = node.apply()
    assert failed(states) == {}
    assert states[f"{known} alive"]["pub"]["pub_id"] == pub_id


def test_a_pub_that_lives_as_another_is_said_and_left_alone(node: Node, known: str) -> None:
    living = node.bots[known]["pub_id"]
    node.change(known, pub_id=OTHER)
    outcome = outcomes.of_bot(node.call("state.apply", "pubs"), known)
    assert outcome.error == identities.another(OTHER, living)
    assert node.call("pubs.info", known)["id"] == living
    node.container(known).restart()
    until(lambda: f"should be {OTHER}, but it is {living}" in node.container(known).logs().decode())
