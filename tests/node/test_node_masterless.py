"""What a node keeps to converge by without a master, and which bots are amiss."""

from collections.abc import Callable
from pathlib import Path

import pytest
from minion_keys import new_key

from pillar_service.core.errors import Failed
from pillar_service.node import stillness
from pillar_service.node.masterless import amiss, applying
from pillar_service.node.masterless.states import States
from pillar_service.node.paths import Home


@pytest.fixture
def states(home: Home) -> States:
    """Sealed ones."""
    made = States(home, "n", new_key(home.root / "pki"))
    (made.folder / "pubs").mkdir(parents=True)
    (made.folder / "pubs" / "init.sls").write_text("include: [docker]\n")
    made.seal()
    return made


def test_what_was_sealed_is_used(states: States) -> None:
    states.check()
    assert states.is_sealed()


def changed(states: States) -> None:
    (states.folder / "pubs" / "init.sls").write_text("evil: {cmd.run: []}\n")


def added(states: States) -> None:
    (states.folder / "pubs" / "more.sls").write_text("")


def taken(states: States) -> None:
    (states.folder / "pubs" / "init.sls").unlink()


def linked(states: States) -> None:
    taken(states)
    (states.folder / "pubs" / "init.sls").symlink_to("/etc/passwd")


def sealed_by_another_key(states: States) -> None:
    new_key(states.folder.parents[1] / "pki", 1)


def never_sealed(states: States) -> None:
    (states.folder.parent / "manifest.jwt").unlink()


@pytest.mark.parametrize("meddle", [changed, added, taken, linked, sealed_by_another_key, never_sealed])
def test_what_was_not_sealed_is_not_used(states: States, meddle: Callable[[States], None]) -> None:
    meddle(states)
    assert not states.is_sealed()
    with pytest.raises(Failed):
        states.check()


def test_only_a_bot_that_should_run_and_ended_is_amiss() -> None:
    told = {
        bot: {"state": state} for bot, state in (("a", "running"), ("b", "running"), ("c", "stopped"), ("d", "absent"))
    }
    assert amiss.found(told, {}) == ["a", "b"]
    for state in ("exited", "dead", "created"):
        assert amiss.found(told, {"a": {"State": state}, "b": {"State": "running"}}) == ["a"]
    for state in ("running", "restarting", "paused", "removing"):
        assert amiss.found(told, {"a": {"State": state}, "b": {"State": state}}) == []


def test_who_holds_a_bot_still_keeps_others_from_starting_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with stillness.held(home), stillness.held(home), stillness.nobody_holds(home) as free:
        assert not free
    with stillness.nobody_holds(home) as free:
        assert free


def test_a_pillar_that_was_left_by_one_who_was_killed_is_gone_with_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (home.masterless / ".pillar-killed").mkdir(parents=True)
    (home.masterless / ".pillar-killed" / "kept.sls").write_text("the node's token")
    with applying._told(home, {}) as told:
        assert list(home.masterless.iterdir()) == [told]
    assert list(home.masterless.iterdir()) == []
