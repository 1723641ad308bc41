"""Machines that need a governor, with the real service: each waits on its own, and nothing is lost."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from machine_rooms import NODE, Room

from pillar_service.core.nodes.configuration import OPERATORS
from pillar_service.node import configuration
from pillar_service.node.door import Door
from pillar_service.node.governors import Governor
from pillar_service.node.machines import asking, governed
from pillar_service.node.told import Told

CAREFUL = """
machine: careful
about: Does something of which only one may be done at a time.
initial: idle
states:
  idle: {}
  doing: {enter: [{exec: [touch, "{data}/done"], governor: restarts, done: ended, failed: ended}]}
transitions: [{on: go, from: idle, to: doing}, {on: ended, from: doing, to: idle}]
"""


@pytest.fixture
def room(cellar: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    for pause in ("AGAIN_S", "LONGEST_S"):
        monkeypatch.setattr(governed, pause, 0.05)
    room = Room(tmp_path / "room", bots={})
    room.govern = lambda name, what, seconds: Governor(lambda: Door(cellar.service), name, what, seconds)
    room.engine.close()
    room.begin()
    room.write("careful", CAREFUL)
    room.in_state("idle", "careful")
    yield room
    room.close()


def governors(most: int) -> None:
    from pillar_service.usecases.nodes import configuration as service

    service.set("test", OPERATORS, "governors/restarts", most)


def waits(room: Room) -> str:
    return str(asking.show(room.home, "careful")["instances"][NODE]["waits"])


def done(room: Room) -> bool:
    return (room.home.root / "done").exists()


def test_it_waits_until_there_is_a_lease_and_gives_it_back(cellar: Any, room: Room) -> None:
    asking.fire(room.home, "careful", "go")
    room.until(lambda: "governors/restarts" in waits(room))
    governors(1)
    other = Governor(lambda: Door(cellar.service), "restarts", "other")
    lease = other.take()
    room.until(lambda: "others hold it" in waits(room))
    assert not done(room)
    assert lease is not None
    lease.release()
    room.in_state("idle", "careful")
    assert done(room)
    assert asking.history(room.home, "careful")[NODE][1]["error"] is None
    room.until(other.take)


def test_without_the_service_it_waits_over_a_restart_too_and_all_others_go_on(cellar: Any, room: Room) -> None:
    governors(1)
    cellar.stop()
    asking.fire(room.home, "careful", "go")
    room.until(lambda: "It is waiting for restarts" in waits(room))
    room.engine.close()
    room.begin()
    room.write("free", CAREFUL.replace("careful", "free").replace("governor: restarts, ", "").replace("/done", "/free"))
    room.in_state("idle", "free")
    asking.fire(room.home, "free", "go")
    room.until((room.home.root / "free").exists)
    assert (room.state("careful"), done(room)) == ("doing", False)
    assert "It is waiting for restarts" in waits(room)


def test_what_is_fired_while_it_waits_is_not_lost_with_a_restart(room: Room) -> None:
    asking.fire(room.home, "careful", "go")
    room.until(lambda: "governors/restarts" in waits(room))
    asking.fire(room.home, "careful", "ended")
    room.until(lambda: not list((room.home.running / asking.FIRE).iterdir()))
    room.engine.close()
    room.begin()
    room.until(lambda: room.engine.instances)
    assert room.engine.instances["careful", NODE].memory.events == [["ended", "hand"]]


def test_a_lease_that_ended_while_the_node_slept_is_asked_for_again(cellar: Any, room: Room) -> None:
    governors(1)
    before_sleep = [0.0]
    clock = lambda: before_sleep.pop() if before_sleep else 10_000.0  # noqa: E731
    room.govern = lambda name, what, seconds: Governor(lambda: Door(cellar.service), name, what, seconds, clock)
    room.engine.close()
    room.begin()
    room.in_state("idle", "careful")
    asking.fire(room.home, "careful", "go")
    room.until(lambda: len(asking.history(room.home, "careful")[NODE]) == 3)
    assert (done(room), asking.history(room.home, "careful")[NODE][1]["error"]) == (True, None)


def test_a_new_file_takes_the_place_of_one_that_waits(room: Room) -> None:
    asking.fire(room.home, "careful", "go")
    room.until(lambda: "governors/restarts" in waits(room))
    room.write("careful", CAREFUL.replace("governor: restarts, ", ""))
    room.until(lambda: asking.show(room.home, "careful")["instances"][NODE]["uses_this_file"])
    assert waits(room) == ""


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("governor: Restarts!", "can't be a governor's name"),
        ("governor: 5", "can't be a governor's name"),
    ],
)
def test_what_is_no_governor_is_refused(room: Room, wrong: str, told: str) -> None:
    room.write("careful", CAREFUL.replace("governor: restarts", wrong))
    room.until(lambda: told in room.engine.library.problems.get("careful", ""))


def test_only_what_takes_its_time_takes_a_governor(room: Room) -> None:
    room.write("careful", CAREFUL.replace('exec: [touch, "{data}/done"]', "say: hello"))
    room.until(lambda: "Only exec and restart can take a governor" in room.engine.library.problems.get("careful", ""))


COUNTS = """
machine: counts
about: Counts where the whole account sees it.
memory: {tries: 4}
initial: idle
states:
  idle: {}
  sad: {}
  counting: {enter: [{set: {tries: tries + 1}}, {configure: {app/tries: tries}, done: counted, failed: not_counted}]}
transitions:
  - {on: go, from: [idle, sad], to: counting}
  - {on: counted, from: counting, to: idle}
  - {on: not_counted, from: counting, to: sad}
"""


def test_a_machine_sets_what_the_account_configured_unless_somebody_else_did(cellar: Any, room: Room) -> None:
    from pillar_service.usecases.nodes import configuration as service

    room.engine.close()
    room.put = partial(configuration.put, cellar.home, lambda: Told(service=cellar.service))
    room.begin()
    room.write("counts", COUNTS)
    kept = configuration.Configuration(cellar.home)

    def go(state: str) -> None:
        before = len(room.told.of("action"))
        asking.fire(room.home, "counts", "go")
        room.until(lambda: len(room.told.of("action")) > before)
        room.in_state(state, "counts")

    room.in_state("idle", "counts")
    go("idle")
    assert (service.show(OPERATORS, "app/tries")["value"], kept.get("app/tries")) == (5, 5)
    service.set("test", OPERATORS, "app/tries", 90)
    go("sad")
    assert (service.show(OPERATORS, "app/tries")["value"], kept.get("app/tries")) == (90, 90)
    go("idle")
    assert service.show(OPERATORS, "app/tries")["value"] == 7
    cellar.stop()
    go("sad")
    assert kept.get("app/tries") == 7
    errors = [one["error"] for one in room.told.of("action") if one["machine"] == "counts"]
    assert [bool(error) for error in errors] == [False, True, False, True]
