"""What machines see and when, with real files, real processes and a real HTTP server."""

import http.server
import threading
import time

import pytest
from machine_rooms import NODE, Room

from pillar_service.core.machines.machines import Kind, Watcher
from pillar_service.node.machines import looks
from pillar_service.node.machines.memory import Memory
from pillar_service.node.machines.watching import Watching

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
        file.unlink(missing_ok=True)  # so that inode and time differ
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
    seen._memory.marks["mark it"] = [1, 1, 1]  # as of an older version
    assert [compared(one) for one in (b"3", b"4")] == [(False, False), (False, True)]


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
    # A watcher that was read by a more lenient library.
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
