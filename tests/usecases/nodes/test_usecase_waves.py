"""Upgrading nodes in waves: asked, watched, stopped at the first failure, resumed, ended."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from enrolling import enrol, master_is_there
from eventful import told
from pouring import owner

from pillar_service import __version__
from pillar_service.core.errors import Conflict, Invalid, NotFound
from pillar_service.core.nodes import facts
from pillar_service.store import database
from pillar_service.store.nodes import standings
from pillar_service.store.nodes.waves import UpgradeNode
from pillar_service.usecases.events import events
from pillar_service.usecases.nodes import enrolment_tokens, losing, nodes, waves

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def four(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Four enrolled nodes of one account, all of an older version; a bundle is handed out."""
    (tmp_path / "bundle.tar.gz").write_bytes(b"wheels")
    monkeypatch.setenv("CELLAR_NODE_BUNDLE", str(tmp_path / "bundle.tar.gz"))
    service()
    master_is_there()
    secret = enrolment_tokens.create_for(owner(), uses=4, labels={"site": "shed"})["secret"]
    ids = [str(enrol(secret, name, number)["node"]) for number, name in enumerate(NAMES, 1)]
    for id in ids:
        says(id, "0.0.1")
    return ids


_next = iter(range(1, 10_000))


def says(node: str, version: str | None = __version__, **upgrade: Any) -> None:
    """Let a node tell its facts, and thereby that it is alive."""
    said: dict[str, Any] = {"versions": {"saltcellar": version} if version else {}}
    if upgrade:
        said["upgrade"] = upgrade
    answer = events.take(node, [told(next(_next), facts.EVENT_TYPE, node, data={"facts": said}, stream="facts")])
    assert answer["refused"] == []


def begun(**more: Any) -> dict[str, Any]:
    return waves.begin("operator", **{"selector": "site=shed", "waves": "1,50%,rest", "deadline": "10m", **more})


def asked(ids: list[str]) -> list[str]:
    return [id.split(".")[0] for id in ids if waves.wanted(id)]


def test_each_wave_begins_when_all_of_the_one_before_are_well(four: list[str]) -> None:
    id = begun()["id"]
    assert asked(four) == ["a"]
    assert waves.wanted(four[0]) == {"order": f"{id}-1", "version": __version__, "sha256": waves.wheels.sha256()}
    assert waves.bundle(four[0]).read_bytes() == b"wheels"
    with pytest.raises(NotFound, match="No upgrade asks"):
        waves.bundle(four[1])
    assert waves.go_on() is False
    says(four[0])
    assert waves.go_on() is True
    assert asked(four) == ["b", "c"]
    says(four[2])
    waves.go_on()
    assert asked(four) == ["b"]
    says(four[1])
    waves.go_on()
    assert asked(four) == ["d"]
    assert waves.show(id)["wave"] == 3
    says(four[3])
    waves.go_on()
    assert (asked(four), waves.show(id)["state"]) == ([], "done")
    assert {one["state"] for one in waves.show(id)["nodes"]} == {"done"}
    assert waves.go_on() is False


def test_a_failure_stops_it_and_it_is_taken_up_again(four: list[str]) -> None:
    id = begun(waves="2,rest")["id"]
    says(four[0], "0.0.1", order=f"{id}-1", state="failed", why="There is no room on the disk.")
    says(four[1])
    waves.go_on()
    shown = waves.show(id)
    assert (shown["state"], shown["said"]) == ("stopped", f"Stopped: {four[0]} says: There is no room on the disk.")
    assert [one["state"] for one in shown["nodes"]] == ["failed", "done", "waiting", "waiting"]
    assert (asked(four), waves.go_on()) == ([], False)
    waves.resume("operator", id)
    assert waves.wanted(four[0])["order"] == f"{id}-2"  # type: ignore[index]
    waves.go_on()
    assert waves.show(id)["state"] == "running", "what went wrong with the order before counts no more"
    says(four[0])
    waves.go_on()
    assert asked(four) == ["c", "d"]


def test_silence_past_the_deadline_stops_it(four: list[str]) -> None:
    id = begun()["id"]
    assert waves.go_on(time.time() + 590) is False
    assert waves.go_on(time.time() + 601) is True
    assert f"{four[0]} was not {__version__} within 10m" in waves.show(id)["said"]
    assert waves.show(id)["state"] == "stopped"


def test_who_was_asked_while_the_clock_was_ahead_is_through_or_too_late_by_the_right_one(four: list[str]) -> None:
    id = begun(waves="2,rest")["id"]
    with database.transaction():
        UpgradeNode.update(asked_at=time.time() + 86_400).where(UpgradeNode.state == "asked").execute()
    assert waves.go_on() is False
    says(four[0])
    waves.go_on()
    assert [one["state"] for one in waves.show(id)["nodes"]] == ["done", "asked", "waiting", "waiting"]
    assert waves.go_on(time.time() + 601) is True
    assert waves.show(id)["state"] == "stopped"


def test_a_node_that_says_the_version_but_is_away_by_then_is_not_through(four: list[str]) -> None:
    id = begun()["id"]
    says(four[0])
    with database.transaction():
        standings.put(standings.find(four[0]), four[0], {"is_away": True})
    waves.go_on()
    assert waves.show(id)["state"] == "running"
    says(four[0])
    waves.go_on()
    assert waves.show(id)["wave"] == 2


def test_one_at_a_time_and_the_end_of_it(four: list[str]) -> None:
    id = begun()["id"]
    with pytest.raises(Conflict, match=f"The upgrade {id} is running: cancel or resume"):
        begun()
    with pytest.raises(Conflict, match="only a stopped one"):
        waves.resume("operator", id)
    waves.cancel("operator", id)
    assert (asked(four), waves.show(id)["state"]) == ([], "cancelled")
    with pytest.raises(Conflict, match="cancelled already"):
        waves.cancel("operator", id)
    assert begun()["state"] == "running"
    assert [one["state"] for one in waves.listed()] == ["running", "cancelled"]


def test_a_node_is_named_by_its_id_as_everywhere(four: list[str]) -> None:
    assert [one["node"] for one in begun(selector=f"node={four[2]}")["nodes"]] == [four[2]]


def test_who_can_not_be_upgraded_is_left_out_with_why(four: list[str]) -> None:
    nodes.add("test", "cellar-9")
    says(four[0])
    losing.declare("test", four[1], anyway=True)
    with database.transaction():
        standings.put(standings.find(four[2]), four[2], {"is_away": True})
    made = begun(selector="", waves="rest")
    assert [one["node"] for one in made["nodes"]] == [four[3]]
    assert made["left_out"][four[0]] == f"It has {__version__} already."
    assert made["left_out"][four[1]] == "It is lost or cut off."
    assert made["left_out"][four[2]] == "It is away."
    assert "cellar-9" in made["left_out"]


def test_what_makes_no_sense_is_refused(
    four: list[str], service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong, why in (
        ({"version": "9.9"}, "hands out"), ({"waves": "1"}, "leave 3 of 4"), ({"deadline": "1s"}, "deadline"),
        ({"selector": "=="}, "selector"),
    ):  # fmt: skip
        with pytest.raises(Invalid, match=why):
            begun(**wrong)
    with pytest.raises(NotFound, match="No node has these labels"):
        begun(selector="site=moon")
    with pytest.raises(NotFound, match="no upgrade"):
        waves.show("x")
    monkeypatch.delenv("CELLAR_NODE_BUNDLE")
    service()
    with pytest.raises(NotFound, match="no bundle of wheels"):
        begun()


def test_another_bundle_asks_for_another_upgrade(four: list[str], tmp_path: Path) -> None:
    """Nodes would not fetch what the first wave was tried with, so none is asked, and the upgrade can't be resumed."""
    id = begun()["id"]
    (tmp_path / "bundle.tar.gz").write_bytes(b"other wheels")
    assert asked(four) == []
    waves.go_on(time.time() + 601)
    with pytest.raises(Conflict, match="a different bundle"):
        waves.resume("operator", id)
