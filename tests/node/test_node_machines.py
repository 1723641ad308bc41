"""Machines with real files, real processes and a real HTTP server; the container has a module of its own."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine_rooms import NODE, Room

from pillar_service.core.errors import Invalid, NotFound, Unavailable
from pillar_service.core.machines.machines import Kind, Watcher
from pillar_service.node.machines import asking, library, looks
from pillar_service.node.machines.engine import Engine
from pillar_service.node.machines.memory import Memory
from pillar_service.node.machines.telling import Telling
from pillar_service.node.machines.watching import Watching
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


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path, bots={})
    yield room
    room.close()


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
    assert "lamp.yaml:9: 'count +' is no expression" in room.engine.library.problems["lamp"]
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


SEES = """
machine: sees
about: a
memory: {{limit: 3}}
initial: no_
states: {{no_: {{}}, yes_: {{}}}}
transitions: [{{on: seen, from: no_, to: yes_}}]
watchers:
  other: {{kind: metric, metric: load, every: 1, when: value < 0, fires: seen}}
  it: {{{it}, every: 1, in: no_, fires: seen}}
"""


@pytest.mark.parametrize(
    "it",
    [
        "kind: exec, command: [sh, -c, 'echo 7; exit 3'], when: exit_code == 3 and output == '7'",
        "kind: exec, command: [sleep, '30'], timeout: 1s, when: timed_out",
        "kind: metric, metric: memory_free_percent, when: 0 < value <= 100",
        "kind: metric, metric: disk_free_bytes, path: '{data}', when: value > 1000",
        "kind: metric, metric: inodes_free_percent, when: value > 0",
        "kind: metric, metric: load, when: value >= 0",
        "kind: timer, after: 'max(0, limit - 3)'",
        "kind: kv, key: app/colour, when: exists and value == 'red'",
        "kind: expression, when: seen.other.value >= 0",
        "kind: container, container: there-is-none-of-this-name, when: not exists and status == 'missing'",
        "kind: file, path: /etc/passwd, when: exists and size_bytes > 10 and age_s >= 0",
        "kind: http, url: 'http://127.0.0.1:1/', when: not answers and status == 0",
    ],
)
def test_each_kind_of_watcher_sees(room: Room, it: str) -> None:
    room.keys["app/colour"] = "red"
    room.write("sees", SEES.format(it=it))
    room.in_state("yes_", "sees")


@pytest.mark.parametrize(
    "it",
    [
        "kind: exec, command: [there-is-no-such-program], when: exit_code == 0",
        "kind: metric, metric: disk_free_bytes, path: /there/is/none, when: value < 10",
        "kind: expression, when: seen.it.value > 1",
        "kind: kv, key: missing, when: value > 3",
        "kind: timer, after: \"'soon'\"",
    ],
)
def test_what_cannot_be_seen_is_not_so(room: Room, it: str) -> None:
    room.write("sees", SEES.format(it=it))
    room.until(lambda: room.engine.instances and room.engine.instances["sees", NODE].problems.get("it"))
    assert room.state("sees") == "no_"


def test_a_watcher_asks_a_server_and_follows_nobody(room: Room) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    room.write(
        "sees", SEES.format(it=f"kind: http, url: 'http://127.0.0.1:{server.server_port}/', when: status == 302")
    )
    room.in_state("yes_", "sees")
    server.shutdown()


def test_a_change_is_seen_once_and_over_a_restart(room: Room) -> None:
    looped = SEES.replace("from: no_, to: yes_}}]", "from: no_, to: yes_}}, {{on: seen, from: yes_, to: no_}}]")
    looped = looped.replace(", in: no_", "")
    file, count = room.home.root / "watched", lambda: len(room.told.of("transition"))
    file.write_text("1")
    room.write("sees", looped.format(it="kind: file, path: '{data}/watched'"))
    room.until(lambda: room.engine.instances and room.engine.instances["sees", NODE].memory.marks)
    assert count() == 0, "the first look changes nothing"
    room.engine.close()
    file.write_text("22")
    room.begin()
    room.until(lambda: count() == 1)
    for _ in range(10):
        room.ahead += 1
        room.tick()
        time.sleep(0.01)
    assert count() == 1


def test_a_file_is_changed_when_its_content_is(room: Room) -> None:
    seen = Watching(Watcher("it", Kind.FILE, "it", frozenset({"a"}), 1), Memory(room.home.state / "x"))
    file = room.home.root / "watched"

    def compared(content: bytes) -> tuple[bool, bool]:
        file.unlink(missing_ok=True)  # another inode, another time
        file.write_bytes(content)
        told = seen._compared(looks._file({"path": str(file)})["mark"])
        return told["first"], told["changed"]

    assert [compared(one) for one in (b"1", b"1", b"2", b"2")] == [
        (True, False),
        (False, False),
        (False, True),
        (False, False),
    ]
    large = b"x" * (looks.HASHED + 1)
    assert [compared(one) for one in (large, large, b"2")] == [(False, True)] * 3
    seen._memory.marks["mark it"] = [1, 1, 1]  # of an older version
    assert [compared(one) for one in (b"3", b"4")] == [(False, False), (False, True)]


def test_self_upgrade_runs_what_a_bundle_brought_once_for_each_content(room: Room) -> None:
    program, ran = room.home.bundles / "current/checks/upgrade", room.home.root / "ran"

    def bring(number: int) -> None:
        program.parent.mkdir(parents=True, exist_ok=True)
        program.unlink(missing_ok=True)
        program.write_text(f"#!/bin/sh\necho {number} >> {ran}\n")
        program.chmod(0o700)

    def looked() -> None:
        for _ in range(3):
            room.ahead += 61
            room.tick()
            time.sleep(0.05)

    bring(1)
    room.write("self-upgrade", (SHIPPED[0].parent / "self-upgrade.yaml").read_text())
    for number in (1, 2):
        room.in_state("waiting", "self-upgrade")
        asking.fire(room.home, "self-upgrade", "now")
        room.in_state("current", "self-upgrade")
        bring(number)
        looked()
        assert (room.state("self-upgrade"), ran.read_text().split()[-1]) == ("current", str(number))
        bring(number + 1)
        room.ahead += 61
    assert ran.read_text() == "1\n2\n"

    marks = room.engine.instances["self-upgrade", NODE].memory.marks
    marks["schedule tonight"] -= 3 * 86_400  # it waited last days ago, and many a night was since
    room.in_state("waiting", "self-upgrade")
    looked()
    assert room.state("self-upgrade") == "waiting", "by day it waits for the next night"
    room.engine.close()
    room.begin()
    looked()
    assert room.state("self-upgrade") == "waiting"
    room.engine.instances["self-upgrade", NODE].memory.marks["schedule tonight"] -= 86_400
    room.in_state("current", "self-upgrade")
    assert ran.read_text() == "1\n2\n3\n"


def test_a_condition_must_hold_for_as_long_as_it_says(room: Room) -> None:
    room.write("sees", SEES.format(it="kind: metric, metric: load, hold: 1h, when: value >= 0"))
    room.until(lambda: room.engine.instances and room.engine.instances["sees", NODE]._watchings[1].seen)
    assert room.state("sees") == "no_"
    room.ahead += 3600
    room.in_state("yes_", "sees")


def test_a_schedule_fires_once_for_what_was_missed(room: Room) -> None:
    room.write("sees", SEES.format(it="kind: schedule, cron: '0 3 * * *'"))
    marks = room.until(lambda: room.engine.instances and room.engine.instances["sees", NODE].memory.marks)
    assert room.state("sees") == "no_"
    marks["schedule it"] -= 3 * 86_400
    room.in_state("yes_", "sees")
    assert len(room.told.of("transition")) == 1


def test_a_schedule_that_never_comes_is_no_machine_and_holds_up_no_other_watcher(room: Room) -> None:
    room.write("sees", SEES.format(it="kind: schedule, cron: '0 0 30 2 *'"))
    room.tick()
    assert "No time ever fits" in room.engine.library.problems["sees"]
    # One that was read by a library of another mind.
    watcher = Watcher("it", Kind.SCHEDULE, "it", frozenset({"a"}), 1, settings={"cron": "0 0 30 2 *"})
    watching = Watching(watcher, Memory(room.home.state / "x"))
    assert watching.fired(1.0, dict) is False
    assert watching.problem


def test_a_schedule_survives_a_clock_that_was_years_ahead(room: Room) -> None:
    room.write("sees", SEES.format(it="kind: schedule, cron: '0 3 * * *'"))
    marks = room.until(lambda: room.engine.instances and room.engine.instances["sees", NODE].memory.marks)
    marks["schedule it"] = time.time() + 10 * 365 * 86_400
    room.until(lambda: marks["schedule it"] <= time.time())


def test_a_schedule_does_not_fire_twice_for_a_clock_that_is_put_back_a_little(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = 1_800_586_800.0  # 2027-01-22 03:00:00 UTC
    wall = [three - 60]
    monkeypatch.setattr(time, "time", lambda: wall[0])
    watcher = Watcher("it", Kind.SCHEDULE, "it", frozenset({"a"}), 1, settings={"cron": "0 3 * * *"})
    watching, fired = Watching(watcher, Memory(room.home.state / "x")), []
    for n, wall[0] in enumerate((three - 60, three + 0.5, three - 1, three + 0.1, three + 2, three + 86_401)):
        fired.append(watching.fired(2.0 * n, dict))
    assert fired == [False, True, False, False, False, True]


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
    del room.bots["0123456789abcdef"]
    room.ahead += 10
    room.until(lambda: len(room.engine.instances) == 1)


def test_asking_says_what_is_not_there(room: Room) -> None:
    room.write("lamp", LAMP)
    room.tick()
    with pytest.raises(Invalid, match="takes no event 'explode'; there are: gone, lit, there"):
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


SHIPPED = sorted((Path(__file__).parents[2] / "salt" / "machines").glob("*.yaml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_is_shipped_has_no_fault(file: Path) -> None:
    assert library.read(file.read_bytes(), file.stem).about


def test_four_are_shipped() -> None:
    assert [file.stem for file in SHIPPED] == ["certificate-watch", "disk-guard", "pub-healer", "self-upgrade"]
