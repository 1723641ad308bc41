"""A state run for some of the node's bots looks only at those; a run without such a list looks at all."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from masterless import Node, changed, failed

from pillar_service.core.jobs.outcomes import of_bot, owner
from pillar_service.core.nodes.pillar import ONLY
from pillar_service.node.lastgood import Kept
from pillar_service.node.paths import Home

States = dict[str, dict[str, Any]]
NODES_OWN = {"docker engine", "pubs leftovers", "pubs network", "pubs unlisted"}


def about(*bots: object) -> str:
    """The argument that limits a run to these bots."""
    return f"pillar={json.dumps({ONLY: bots})}"


def owners(states: States) -> set[str]:
    """The bots that a run looked at."""
    return {bot for one in states.values() if (bot := owner(one["__id__"]))}


def untouched(node: Node, bots: Iterable[str]) -> dict[str, Any]:
    """For each bot, what changes whenever a run touches it: its container's life and its configuration file."""
    found = {}
    for bot in bots:
        container, config = node.container(bot), (node.data / "configs" / f"{bot}.json").stat()
        life = [container.attrs["State"][key] for key in ("Status", "StartedAt", "FinishedAt")]
        found[bot] = (container.id, life, config.st_ino, config.st_mtime_ns)
    return found


@pytest.fixture
def node(node: Node) -> Node:
    """A node that waits for its pubs as long as usual, as several start at once."""
    node.configure(saltcellar={"data": str(node.data)})
    return node


@pytest.fixture
def three(node: Node) -> list[str]:
    """Three living pubs."""
    bots = [node.add(name) for name in ("one", "two", "three")]
    assert failed(node.apply()) == {}
    return bots


def test_a_run_about_one_bot_touches_no_other_and_a_whole_one_then_does_the_rest(node: Node, three: list[str]) -> None:
    mine, other, going = three
    node.container(other).stop(timeout=1)
    (node.data / "configs" / f"{other}.json").write_text("{}")
    node.change(going, state="absent")
    node.change(mine, host="pub.example.org")
    before, kept = untouched(node, (other, going)), node.container(mine).id

    plan = node.apply(about(mine), "test=True")
    assert {key: state["result"] for key, state in plan.items() if state["result"] is None} == {
        f"{mine} {part}": None for part in ("config", "container")
    }
    assert node.container(mine).id == kept
    states = node.apply(about(mine))

    assert failed(states) == {}
    assert owners(states) == {mine}
    assert states.keys() >= NODES_OWN
    assert set(changed(states)) == {f"{mine} config", f"{mine} container"}
    assert untouched(node, (other, going)) == before
    assert not of_bot(states, other).succeeded
    assert of_bot(states, other).again
    whole = node.apply()
    assert failed(whole) == {}
    assert owners(whole) == set(three)
    assert {owner(key) for key in changed(whole)} == {other, going}
    assert node.container(going) is None
    assert changed(node.apply()) == {}


def test_what_a_run_about_one_bot_keeps_and_tells_of_the_others_stays_true(node: Node) -> None:
    mine, other = node.add("mine"), node.add("other")
    stranger = node.add("stranger")
    assert failed(node.apply(about(mine, stranger))) == {}
    assert node.container(other) is None
    del node.bots[stranger]
    node.tell()

    states = node.apply(about(mine))

    assert states["pubs unlisted"]["comment"].endswith(f": stranger-{stranger}.")
    kept = Kept(Home.at(str(node.data)), node.id, node.pki)
    assert kept.told().bots.keys() == {mine, other}
    assert kept.pillar() == {"saltcellar": {"node": node.id, "service": node.service, "bots": node.bots}}
    assert owners(node.apply(about(stranger))) == set()


def test_of_what_is_no_list_of_bots_nothing_is_done(node: Node) -> None:
    bot = node.add()
    for told in (about("../x"), about(bot, None), f"pillar={json.dumps({ONLY: bot})}"):
        states = node.apply(told)
        assert states.keys() == {"pubs pillar"}
        assert "is limited to some bots" in failed(states)["pubs pillar"]
    assert not node.data.exists()
