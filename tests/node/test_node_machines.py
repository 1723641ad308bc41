"""Machines with real files and processes; tests of what they see and of containers are in other modules."""

import json
import os
from pathlib import Path

import pytest
from machine_rooms import NODE, Room

from pillar_service.core.errors import Invalid, NotFound, Unavailable
from pillar_service.node.machines import asking
from pillar_service.node.machines.engine import Engine
from pillar_service.node.machines.telling import Telling
from pillar_service.node.paths import Home

LAMP = """
machine: lamp
about: Goes on while a file is there.
memory: {count: 0}
initial: dark
states:
  dark: {}
  light:
    enter: [{set: {count: count + 1}}, {exec: [touch, "{data}/lit"], done: lit}]
    leave: [{say: "It was lit {count} times."}]
transitions:
  - {on: there, from: dark, to: light}
  - {on: gone, from: light, to: dark}
  - {on: lit, from: light, to: light, if: count > 100}
watchers:
  there: {kind: file, path: "{data}/switch", every: 1, in: dark, when: exists, fires: there}
  gone: {kind: file, path: "{data}/switch", every: 1, in: light, when: not exists, fires: gone}
"""


def lamp_on(room: Room) -> None:
    (room.home.root / "switch").touch()
    room.in_state("light", "lamp")
    room.until((room.home.root / "lit").exists)
    room.until(lambda: not room.engine.instances["lamp", NODE].is_busy)


def test_a_machine_sees_steps_acts_and_tells(room: Room) -> None:
    room.write("lamp", LAMP)
    room.in_state("dark", "lamp")
    lamp_on(room)
    (room.home.root / "switch").unlink()
    room.in_state("dark", "lamp")
    moves = [(one["source"], one["event"], one["target"]) for one in room.told.of("transition")]
    assert moves == [("dark", "there", "light"), ("light", "gone", "dark")]
    assert next(one for one in room.told.of("action") if one.get("sentence"))["sentence"] == "It was lit 1 times."
    done = asking.history(room.home, "lamp")[NODE]
    assert [one.get("action") or one["event"] for one in reversed(done)] == ["there", "exec touch", "gone", "say"]


def test_a_new_engine_goes_on_where_the_old_one_stopped(room: Room) -> None:
    room.write("lamp", LAMP)
    lamp_on(room)
    room.engine.close()
    room.begin()
    room.tick()
    assert (room.state("lamp"), asking.show(room.home, "lamp")["instances"][NODE]["remembers"]) == (
        "light",
        {"count": 1},
    )


SAID = """
machine: said
about: a
memory: {what: ""}
initial: idle
states:
  idle: {}
  heard: {enter: [{set: {what: seen.key.value}}, {exec: [echo, "so: {what}"], failed: broke}]}
  sad: {}
transitions: [{on: hear, from: idle, to: heard}, {on: broke, from: heard, to: sad}]
watchers: {key: {kind: kv, key: said, every: 1, in: idle, when: exists, fires: hear}}
"""


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_a_word_that_no_command_can_be_given_is_an_action_that_failed(room: Room, value: str) -> None:
    room.keys["said"] = value
    room.write("said", SAID)
    room.in_state("sad", "said")
    assert "could not be started" in asking.history(room.home, "said")[NODE][1]["error"]


@pytest.mark.parametrize("written", [b"", b"{", b"\xff", b"[]"])
def test_an_event_that_nobody_can_read_is_looked_at_once(room: Room, written: bytes) -> None:
    folder = room.home.running / asking.FIRE
    folder.mkdir(parents=True)
    (folder / "1.json").write_bytes(written)
    room.tick()
    assert list(folder.iterdir()) == []


def test_an_action_that_the_restart_cut_off_has_failed(room: Room) -> None:
    room.write(
        "slow",
        "machine: slow\nabout: a\ninitial: idle\nstates:\n  idle: {}\n  busy: {enter: [{exec: [sleep, '60'], failed: broke}]}\n"
        "  sad: {}\ntransitions: [{on: go, from: idle, to: busy}, {on: broke, from: busy, to: sad}]\n",
    )
    room.tick()
    asking.fire(room.home, "slow", "go")
    room.until(lambda: room.engine.instances["slow", NODE].is_busy)
    room.engine.close()
    room.begin()
    room.in_state("sad", "slow")
    assert "while this was under way" in asking.history(room.home, "slow")[NODE][1]["error"]


@pytest.mark.parametrize(
    "pending", [{"transition": 99, "source": "dark", "action": 0, "begun": True}, {"of": "another version"}, ["x"]]
)
def test_what_one_machine_can_not_go_on_with_stops_none(room: Room, pending: object) -> None:
    room.write("lamp", LAMP)
    room.write("other", LAMP.replace("machine: lamp", "machine: other"))
    lamp_on(room)
    room.engine.close()
    file = room.home.running / "lamp" / f"{NODE}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"pending": pending}))
    room.begin()
    room.tick()
    assert (room.state("lamp"), room.state("other")) == ("light", "light")
    assert not room.engine.instances["lamp", NODE].is_busy


def test_a_changed_file_is_taken_up_and_a_broken_one_is_not(room: Room) -> None:
    room.write("lamp", LAMP)
    lamp_on(room)
    room.write("lamp", LAMP.replace("count + 1", "count +"))
    room.tick()
    assert "lamp.yaml:9: 'count +' is not an expression" in room.engine.library.problems["lamp"]
    assert room.state("lamp") == "light"
    for _ in range(3):
        room.ahead += 10
        room.tick()
    assert len(room.told.of("broken")) == 1, "one content is told of once"
    room.write("lamp", LAMP.replace("memory: {count: 0}", "memory: {count: 0, more: 7}"))
    room.tick()
    assert room.engine.instances["lamp", NODE].memory.values == {"count": 1, "more": 7}
    assert room.state("lamp") == "light"
    (room.home.machines / "lamp.yaml").unlink()
    room.ahead += 10
    room.tick()
    assert not room.engine.instances


def test_a_full_spool_and_a_disk_that_takes_nothing_stop_no_machine(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise OSError(28, "No space left on device")

    room.write("lamp", LAMP)
    room.told.full = True
    monkeypatch.setattr("pillar_service.node.disk.write_atomically", refuses)
    lamp_on(room)
    assert room.engine._tell.lost >= 2


def test_one_machine_for_each_bot(room: Room) -> None:
    room.bots |= {"9e0f1f3a9c2e5b7d": "pub-my", "0123456789abcdef": "pub-other"}
    room.write(
        "each",
        "machine: each\nabout: a\neach: bot\ninitial: a\nstates: {a: {}, b: {enter: [{say: 'I am {container} of {bot}'}]}}\n"
        "transitions: [{on: go, from: a, to: b}]\n",
    )
    room.until(lambda: len(room.engine.instances) == 2)
    assert asking.fire(room.home, "each", "go", "9e0f1f3a9c2e5b7d")["asked"] == ["9e0f1f3a9c2e5b7d"]
    room.in_state("b", "each", "9e0f1f3a9c2e5b7d")
    assert asking.listed(room.home)["each"]["states"] == {"0123456789abcdef": "a", "9e0f1f3a9c2e5b7d": "b"}
    assert [one["sentence"] for one in room.told.of("action")] == ["I am pub-my of 9e0f1f3a9c2e5b7d"]
    room.engine.close()
    asking.fire(room.home, "each", "go", "0123456789abcdef")
    room.begin()
    room.in_state("b", "each", "0123456789abcdef")  # though Docker is only asked after the event is read
    del room.bots["0123456789abcdef"]
    room.ahead += 10
    room.until(lambda: len(room.engine.instances) == 1)
    gone, there = (room.home.running / "each" / f"{bot}.json" for bot in ("0123456789abcdef", "9e0f1f3a9c2e5b7d"))
    assert gone.exists(), "it may be poured again"
    for file in (gone, there):
        os.utime(file, (1e9, 1e9))
    room.ahead += 3600
    room.until(lambda: not gone.exists())
    assert there.exists()


def test_asking_says_what_is_not_there(room: Room) -> None:
    room.write("lamp", LAMP)
    room.tick()
    with pytest.raises(Invalid, match="takes no event 'explode'; it takes: gone, lit, there"):
        asking.fire(room.home, "lamp", "explode")
    for machine in ("no-such", "../../etc", ".fire"):
        with pytest.raises(NotFound):
            asking.show(room.home, machine)
        with pytest.raises(NotFound):
            asking.history(room.home, machine, "x")
    room.write("broken", "machine: broken\nabout: [")
    assert "broken.yaml:" in asking.listed(room.home)["broken"]["fault"]


def test_nothing_is_fired_where_no_agent_runs(room: Room) -> None:
    room.write("lamp", LAMP)
    room.tick()
    room.alone.close()
    with pytest.raises(Unavailable, match="nothing was fired"):
        asking.fire(room.home, "lamp", "there")
    assert not (room.home.running / asking.FIRE).exists()


def test_a_service_that_is_told_of_later_is_filled_in(room: Room) -> None:
    addresses = [""]
    room.engine.close()
    room.engine = Engine(
        room.home, NODE, Telling(room.told), str, print, lambda node: {}, service=lambda: addresses[-1]
    )
    room.write(
        "says",
        "machine: says\nabout: a\ninitial: a\nstates: {a: {}, b: {enter: [{say: 'It is at {service}'}]}}\n"
        "transitions: [{on: go, from: a, to: b}]\n",
    )
    room.tick()
    addresses.append("https://cellar.example")
    asking.fire(room.home, "says", "go")
    room.in_state("b", "says")
    assert [one["sentence"] for one in room.told.of("action")] == ["It is at https://cellar.example"]


def test_a_memory_file_that_makes_no_sense_is_begun_anew(room: Room) -> None:
    room.write("lamp", LAMP)
    room.tick()
    file = room.home.running / "lamp" / f"{NODE}.json"
    for hostile in (
        b"",
        b"{",
        b"[]",
        b'{"state": 7, "values": {}}',
        b"{}",
        json.dumps({"state": "x", "values": {}, "odd": 1}).encode(),
    ):
        room.engine.close()
        file.write_bytes(hostile)
        room.begin()
        room.tick()
        assert room.state("lamp") == "dark"


def test_what_a_newer_version_remembers_besides_is_no_reason_to_forget_the_rest(room: Room) -> None:
    room.write("lamp", LAMP)
    lamp_on(room)
    room.engine.close()
    file = room.home.running / "lamp" / f"{NODE}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"mood": "bright"}))
    room.begin()
    room.tick()
    assert (room.state("lamp"), room.engine.instances["lamp", NODE].memory.values["count"]) == ("light", 1)


def test_a_link_and_a_folder_are_no_machines(room: Room) -> None:
    (room.home.root / "secret.yaml").write_text(LAMP)
    (room.home.machines / "lamp.yaml").symlink_to(room.home.root / "secret.yaml")
    (room.home.machines / "folder.yaml").mkdir()
    room.tick()
    assert not room.engine.library.loaded


def test_an_operators_file_wins_over_the_bundles(tmp_path: Path) -> None:
    room = Room(tmp_path, bots={})
    bundle = Home(tmp_path).bundles / "current" / "machines"
    bundle.mkdir(parents=True)
    (bundle / "lamp.yaml").write_text(LAMP.replace("Goes on", "From the bundle"))
    (bundle / "other.yaml").write_text(LAMP.replace("machine: lamp", "machine: other"))
    room.write("lamp", LAMP)
    room.tick()
    assert room.engine.library.machines["lamp"].about == "Goes on while a file is there."
    assert "other" in room.engine.library.machines
