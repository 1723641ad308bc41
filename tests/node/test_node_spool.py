"""The spool: on disk before yes, in order, bounded, each loss told; killed, full, broken, with clocks that jump."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pillar_service.core.errors import Failed, Full, Invalid
from pillar_service.core.events.gaps import Gap, Reason
from pillar_service.core.events.submission import GAP, Priority
from pillar_service.node import clock
from pillar_service.node.clock import Moment
from pillar_service.node.paths import Home
from pillar_service.node.spool import Bounds, Place, Spool, losses

KIND = "org.example.thing"
DAY_S = 86_400.0
SMALL = Bounds(bytes=20_000, reserved=4_000)


class Clock:
    def __init__(self) -> None:
        self.at, self.mono, self.boot, self.is_synced = 1_800_000_000.0, 100.0, "one", True

    def __call__(self) -> Moment:
        return Moment(self.at, self.mono, self.boot, self.is_synced)

    def pass_by(self, seconds: float) -> None:
        self.at, self.mono = self.at + seconds, self.mono + seconds

    def reboot(self) -> None:
        self.boot, self.mono = f"{self.boot} again", 10.0


@pytest.fixture
def time_of_day() -> Clock:
    return Clock()


@pytest.fixture
def spool(home: Home, time_of_day: Clock) -> Iterator[Spool]:
    spool = Spool(home, now=time_of_day)
    yield spool
    spool.close()


def filled(spool: Spool, **more: Any) -> tuple[list[Place], str]:
    """What it took until it was full, and what it said then."""
    taken: list[Place] = []
    while True:
        try:
            taken.append(spool.put(KIND, "node", {"n": len(taken), "x": "x" * 500}, **more))
        except Full as error:
            return taken, error.sentence


def numbers(spool: Spool) -> list[int]:
    return [one.data["n"] for one in spool.batch().events if one.type == KIND]


def gaps(spool: Spool) -> list[Gap]:
    return [Gap.read(one.data) for one in spool.batch().events if one.type == GAP]


def all_of(spool: Spool) -> list:
    """Everything that waits, taken as a service would take it."""
    found = []
    while events := spool.batch().events:
        found += events
        spool.settle([Place(one.epoch, one.sequence) for one in events], {})
    return found


def test_what_was_taken_is_there_for_the_next_process(home: Home, spool: Spool, time_of_day: Clock) -> None:
    places = [spool.put(KIND, "node", {"n": n}) for n in range(5)]
    other = Spool(home, now=time_of_day)
    assert numbers(other) == [0, 1, 2, 3, 4]
    assert [place.sequence for place in places] == [1, 2, 3, 4, 5]
    assert {place.epoch for place in places} == {other.batch().epoch}


def test_it_forgets_only_what_is_settled(spool: Spool) -> None:
    places = [spool.put(KIND, "node", {"n": n}) for n in range(4)]
    spool.settle([places[0], places[2]], {places[1]: "no such thing"})
    assert numbers(spool) == [3]
    assert [(one["sequence"], one["why"], one["data"]) for one in spool.dead()] == [(2, "no such thing", {"n": 1})]
    spool.settle([Place(places[3].epoch + 1, 4)], {})  # another life's
    assert numbers(spool) == [3]
    assert spool.retry() == 1
    assert (numbers(spool), spool.dead()) == ([3, 1], [])


def test_a_number_is_never_given_twice(home: Home, spool: Spool, time_of_day: Clock) -> None:
    given = set()
    for turn in range(12):
        place = spool.put(KIND, "node", {"n": 1})
        assert place not in given
        given.add(place)
        spool.settle([place], {})
        if turn % 4 == 1:
            time_of_day.reboot()
            time_of_day.at -= 40 * DAY_S
            spool.close()
        if turn % 4 == 3:
            spool.close()
            for file in home.state.glob("spool.db*"):
                file.unlink()
    assert [place.epoch for place in sorted(given)] == sorted(place.epoch for place in given)


def test_a_disk_that_was_set_back_says_no_number_twice(home: Home, spool: Spool, time_of_day: Clock) -> None:
    """A node is restored from a snapshot: it boots from an old disk."""
    spool.put(KIND, "node", {"n": 0})
    spool.close()
    snapshot = {path: path.read_bytes() for path in home.state.iterdir()}
    time_of_day.reboot()
    time_of_day.pass_by(60)
    second = spool.put(KIND, "node", {"n": 1})
    spool.close()
    for path, written in snapshot.items():
        path.write_bytes(written)
    time_of_day.reboot()
    time_of_day.pass_by(60)
    assert spool.put(KIND, "node", {"n": 2}) > second
    assert numbers(spool) == [0, 2]


def test_what_is_dear_goes_first_and_takes_its_stream_along(spool: Spool) -> None:
    for n in range(3):
        spool.put(KIND, "node", {"n": n}, stream="s", priority=Priority.LOW)
    spool.put(KIND, "node", {"n": 9}, priority=Priority.HIGH)
    assert numbers(spool) == [9, 0, 1, 2]
    spool.put(KIND, "node", {"n": 3}, stream="s", priority=Priority.VITAL)
    spool.put(KIND, "node", {"n": 4}, stream="s", priority=Priority.BULK)
    assert numbers(spool) == [0, 1, 2, 3, 9, 4]


def test_full_it_lets_go_of_what_is_least_dear_and_tells_exactly_what(home: Home) -> None:
    spool = Spool(home, SMALL, Clock())
    vital = [spool.put(KIND, "node", {"n": n}, priority=Priority.VITAL) for n in range(3)]
    bulk = [spool.put(KIND, "node", {"n": n, "x": "x" * 500}, priority=Priority.BULK) for n in range(60)]
    dear = [spool.put(KIND, "node", {"n": n, "x": "x" * 500}, priority=Priority.HIGH) for n in range(10)]
    found = all_of(spool)
    left = {Place(one.epoch, one.sequence) for one in found}
    assert {*vital, *dear} <= left
    [gap] = [Gap.read(one.data) for one in found if one.type == GAP]
    lost = [place for place in bulk if place not in left]
    assert lost == bulk[: len(lost)]
    assert gap == Gap(
        lost[0].epoch, lost[0].sequence, lost[-1].sequence, len(lost), Reason.FULL, "default-4", Priority.BULK
    )


def test_a_put_of_one_that_is_vital_is_never_at_the_cost_of_another(home: Home) -> None:
    spool = Spool(home, SMALL, Clock())
    taken, why = filled(spool, priority=Priority.VITAL)
    assert "as dear" in why
    assert [one.sequence for one in all_of(spool)] == [place.sequence for place in taken]
    assert spool.status()["refused"] == 1


def test_nothing_dearer_goes_for_what_is_less_dear(home: Home) -> None:
    spool = Spool(home, SMALL, Clock())
    for n in range(15):
        spool.put(KIND, "node", {"n": n, "x": "x" * 500}, priority=Priority.HIGH)
    with pytest.raises(Full, match="full of events that are as dear"):
        spool.put(KIND, "node", {"n": 99, "x": "x" * 5000}, priority=Priority.BULK)
    assert numbers(spool) == list(range(15))


def test_room_is_reserved_for_what_is_vital(home: Home) -> None:
    spool = Spool(home, Bounds(bytes=20_000, reserved=8_000), Clock())
    for n in range(30):
        spool.put(KIND, "node", {"n": n, "x": "x" * 500}, priority=Priority.NORMAL)
    before = spool.status()["waiting"]
    spool.put(KIND, "node", {"n": 1, "x": "x" * 5000}, priority=Priority.VITAL)
    assert spool.status()["waiting"] == before + 1
    assert spool.status()["lost_untold"] > 0


def test_losses_while_nobody_listens_take_little_room(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "MOST_GAPS", 20)
    spool = Spool(home, SMALL, Clock())
    for n in range(400):
        spool.put(KIND, "node", {"n": n, "x": "x" * 500}, stream=f"s{n}")
        if n % 20 == 0:
            spool.batch(most=1)
    found = all_of(spool)
    told = [Gap.read(one.data) for one in found if one.type == GAP]
    assert len(told) <= 3 * 21
    assert {gap.stream for gap in told} >= {"others"}
    assert sum(gap.count for gap in told) == 400 - sum(one.type == KIND for one in found)


@pytest.mark.parametrize("days", [-1, 1, 400, -400])
@pytest.mark.parametrize("is_synced", [True, False])
def test_a_clock_that_is_set_lets_nothing_expire(home: Home, days: float, is_synced: bool) -> None:
    clock = Clock()
    spool = Spool(home, Bounds(age_s=DAY_S / 2), clock)
    spool.put(KIND, "node", {"n": 1})
    clock.at, clock.is_synced = clock.at + days * DAY_S, is_synced
    clock.mono += 120
    spool.put(KIND, "node", {"n": 2})
    assert numbers(spool) == [1, 2]


@pytest.mark.parametrize(("was", "is_now"), [(True, False), (False, True)])
def test_over_a_reboot_nothing_expires_by_a_clock_that_nobody_keeps(home: Home, was: bool, is_now: bool) -> None:
    clock = Clock()
    clock.is_synced = was
    spool = Spool(home, Bounds(age_s=DAY_S), clock)
    spool.put(KIND, "node", {"n": 1})
    spool.close()
    clock.pass_by(40 * DAY_S)
    clock.reboot()
    clock.is_synced = is_now
    assert numbers(spool) == [1]


@pytest.mark.parametrize("reboots", [True, False])
def test_what_is_really_old_goes_and_is_told_but_nothing_vital(home: Home, reboots: bool) -> None:
    clock = Clock()
    clock.is_synced = reboots  # within one boot it is known without
    spool = Spool(home, Bounds(age_s=DAY_S), clock)
    spool.put(KIND, "node", {"n": 1})
    spool.put(KIND, "node", {"n": 0}, priority=Priority.VITAL)
    clock.pass_by(2 * DAY_S)
    if reboots:
        spool.close()
        clock.reboot()
    spool.put(KIND, "node", {"n": 2})
    assert numbers(spool) == [0, 2]
    [gap] = gaps(spool)
    assert (gap.reason, gap.count, gap.first) == (Reason.AGE, 1, 1)


def test_what_was_sent_and_never_answered_goes_too_and_is_told_apart(home: Home) -> None:
    clock = Clock()
    spool = Spool(home, Bounds(age_s=DAY_S), clock)
    spool.put(KIND, "node", {"n": 1})
    assert numbers(spool) == [1]  # this batch is on its way, and nothing comes of it
    clock.pass_by(2 * DAY_S)
    assert numbers(spool) == []
    [gap] = gaps(spool)
    assert (gap.reason, gap.count, gap.first) == (Reason.UNANSWERED, 1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "x"},
        {"type": "UPPER.CASE"},
        {"type": "org.example\n.x"},
        {"subject": ""},
        {"subject": "two\nlines"},
        {"stream": "with space"},
        {"priority": 7},
        {"data": {"x": "y" * 250_000}},
        {"data": {"x": {1, 2}}},
        {"data": float("nan")},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_what_makes_no_sense_is_refused(spool: Spool, wrong: dict) -> None:
    told = {"type": KIND, "subject": "node", "data": {"n": 1}, **wrong}
    with pytest.raises(Invalid):
        spool.put(told.pop("type"), told.pop("subject"), told.pop("data"), **told)
    assert (spool.status()["waiting"], spool.status()["refused"]) == (0, 0)


def test_what_is_no_text_is_told_as_far_as_it_is(spool: Spool) -> None:
    spool.put(KIND, "node", {"n": 1, "x": "lone \ud800", "y": "é"})
    [one] = spool.batch().events
    assert one.data == {"n": 1, "x": "lone ?", "y": "é"}


def test_dead_letters_are_bounded(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "MOST_DEAD", 3)
    places = [spool.put(KIND, "node", {"n": n}) for n in range(5)]
    spool.settle([], dict.fromkeys(places, "no"))
    assert [one["data"]["n"] for one in spool.dead()] == [2, 3, 4]
    monkeypatch.setattr(losses, "MOST_DEAD_BYTES", 700)
    spool.settle([], {spool.put(KIND, "node", {"n": 5}): "no"})
    assert [one["data"]["n"] for one in spool.dead()] == [4, 5]


def test_a_broken_file_is_set_aside_and_that_is_told(home: Home, spool: Spool) -> None:
    before = spool.put(KIND, "node", {"n": 1})
    spool.close()
    spool.path.write_bytes(b"nothing that SQLite knows" * 200)
    for suffix in ("-wal", "-shm"):
        spool.path.with_name(f"spool.db{suffix}").unlink(missing_ok=True)
    place = spool.put(KIND, "node", {"n": 2})
    assert place.epoch > before.epoch
    assert [(gap.reason, gap.epoch, gap.count) for gap in gaps(spool)] == [(Reason.BROKEN, before.epoch, 0)]
    assert spool.path.with_name("spool.db.broken").exists()


def test_a_file_that_broke_while_nobody_had_it_open_is_set_aside_by_who_opens_it(home: Home, spool: Spool) -> None:
    before = spool.put(KIND, "node", {"n": 1})
    spool.close()
    with sqlite3.connect(spool.path) as third:
        third.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = third.execute("SELECT rootpage FROM sqlite_master WHERE name = 'life'").fetchone()[0]
    third.close()
    with spool.path.open("r+b") as file:  # its first page, by which SQLite knows a file of its own, is whole
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    later = Spool(home, now=spool.now)  # as after the loss of power that broke it
    assert later.put(KIND, "node", {"n": 2}).epoch > before.epoch
    assert [(gap.reason, gap.epoch) for gap in gaps(later)] == [(Reason.BROKEN, before.epoch)]
    later.close()


def test_a_file_that_breaks_while_two_have_it_open_is_set_aside_once(
    home: Home, spool: Spool, time_of_day: Clock
) -> None:
    other = Spool(home, now=time_of_day)
    for n in range(100):
        spool.put(KIND, "node", {"n": n, "x": "x" * 2000})
        other.put(KIND, "node", {"n": n, "x": "x" * 2000})
    with sqlite3.connect(spool.path) as third:
        third.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = spool.path.stat().st_size
    with spool.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    taken: dict[int, Place] = {}
    for n in range(20):
        try:
            taken[n] = (spool, other)[n % 2].put(KIND, "node", {"n": n})
        except Full as error:
            assert "set aside" in error.sentence  # noqa: PT017
    newest = max(place.epoch for place in taken.values())
    assert len(taken) >= 17
    assert len({place.epoch for place in taken.values()}) <= 2
    assert numbers(spool) == [n for n, place in taken.items() if place.epoch == newest]
    assert [gap.reason for gap in gaps(other)] == [Reason.BROKEN]
    other.close()


@pytest.fixture
def tiny(home: Home) -> Iterator[Path]:
    """A disk of four megabytes under the spool."""
    home.state.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", home.state], check=True)
    yield home.state
    subprocess.run(["umount", "--lazy", home.state], check=True)


def test_a_full_disk_is_said_counted_and_survived(home: Home, tiny: Path) -> None:
    spool = Spool(home)
    taken, why = filled(spool)
    assert "nothing was taken" in why
    assert len(taken) > 5
    with pytest.raises(Full):
        spool.put(KIND, "node", {"n": 0, "x": "x" * 60_000})
    subprocess.run(["mount", "-o", "remount,size=12m", tiny], check=True)
    spool.put(KIND, "node", {"n": len(taken)})
    told = spool.status()
    assert (told["waiting"], told["refused"]) == (len(taken) + 1, 2)
    assert numbers(spool) == list(range(len(taken) + 1))[: len(numbers(spool))]
    spool.close()


def test_a_full_disk_is_freed_by_delivering(home: Home, tiny: Path) -> None:
    spool, another = Spool(home), Spool(home)
    another.put(KIND, "node", {"n": 0})  # who has it open, too, keeps SQLite from tidying up at the end
    for _ in range(3):
        taken, _ = filled(spool)
        assert len(taken) > 5
        assert [one.sequence for one in all_of(spool)][-len(taken) :] == [place.sequence for place in taken]
    spool.close()
    another.close()


def test_a_disk_that_can_only_be_read_is_said_and_survived(home: Home, tiny: Path) -> None:
    spool = Spool(home)
    spool.put(KIND, "node", {"n": 1})
    spool.close()
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)
    with pytest.raises(Full, match="nothing was taken"):
        spool.put(KIND, "node", {"n": 2})
    subprocess.run(["mount", "-o", "remount,rw", tiny], check=True)
    spool.put(KIND, "node", {"n": 3})
    assert numbers(spool) == [1, 3]
    spool.close()


WRITER = """
import sys
from pathlib import Path
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool
spool = Spool(Home(Path(sys.argv[1])))
for n in range(10**6):
    spool.put("org.example.thing", "node", {"n": n}, stream=sys.argv[2])
    print(n, flush=True)
"""


def writer(home: Home, who: str) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", WRITER, str(home.root), who]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_killed_at_any_moment_nothing_that_was_acknowledged_is_lost(home: Home) -> None:
    """Twenty kills, of four that write at once."""
    acknowledged: dict[str, int] = {}
    chance = random.Random(7)
    for number in range(5):
        writers = {f"w{number}-{n}": writer(home, f"w{number}-{n}") for n in range(4)}
        for who, one in writers.items():
            assert one.stdout
            acknowledged[who] = int(one.stdout.readline())
            time.sleep(chance.random() / 50)
            one.send_signal(signal.SIGKILL)
        for who, one in writers.items():
            heard = one.communicate()[0].splitlines()
            acknowledged[who] = int(heard[-1]) if heard else acknowledged[who]
    found = dict[str, list[int]]()
    for one in all_of(Spool(home)):
        found.setdefault(one.stream, []).append(one.data["n"])
    assert len(acknowledged) == 20
    for who, last in acknowledged.items():
        assert found[who] == list(range(len(found[who])))
        assert len(found[who]) in (last + 1, last + 2)  # the last may be on disk and its yes lost


def test_two_processes_write_at_once(home: Home) -> None:
    spools = [Spool(home) for _ in range(2)]
    for n in range(50):
        spools[n % 2].put(KIND, "node", {"n": n})
    assert numbers(spools[0]) == list(range(50))


def test_a_process_that_was_forked_from_one_that_has_it_open_can_not_write(spool: Spool) -> None:
    spool.put(KIND, "node", {"n": 0})
    if (child := os.fork()) == 0:
        try:
            spool.put(KIND, "node", {"n": 1})
        except Failed:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    spool.put(KIND, "node", {"n": 2})
    assert numbers(spool) == [0, 2]


def test_a_process_that_was_forked_after_it_was_closed_writes(spool: Spool) -> None:
    spool.put(KIND, "node", {"n": 0})
    spool.close()
    if (child := os.fork()) == 0:
        spool.put(KIND, "node", {"n": 1})
        spool.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert numbers(spool) == [0, 1]


def test_the_file_is_roots_alone_and_written_through(home: Home, spool: Spool) -> None:
    spool.put(KIND, "node", {"n": 1})
    assert oct(spool.path.stat().st_mode & 0o777) == "0o600"
    assert spool._connection is not None
    assert spool._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    with sqlite3.connect(spool.path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_this_moment_knows_its_boot() -> None:
    moment = clock.now()
    assert len(moment.boot) == 36
    assert abs(moment.at - time.time()) < 5
    assert moment.is_synced in (True, False)


def nested(deep: int, inner: Any = 1) -> Any:
    data = inner
    for n in range(deep):
        data = [data] if n % 2 else {"a": data}
    return data


def test_no_event_is_taken_that_can_not_be_read_again_where_the_others_wait(spool: Spool) -> None:
    for deep in (65, 500, 950, *range(970, 1000)):
        with pytest.raises(Invalid, match="nested 64 deep"):
            spool.put(KIND, "node", nested(deep))
    spool.put(KIND, "node", nested(64))
    spool.put(KIND, "node", [[]] * 1000)
    assert [one.data for one in spool.batch().events] == [nested(64), [[]] * 1000]


@pytest.mark.parametrize("data", ["{", "[" * 2000 + "]" * 2000, "\x00" * 20])
def test_an_event_that_can_not_be_read_any_more_is_lost_and_holds_up_no_other(spool: Spool, data: str) -> None:
    places = [spool.put(KIND, "node", {"n": n}) for n in range(3)]
    with sqlite3.connect(spool.path) as at:
        at.execute("UPDATE event SET data = ? WHERE n = ?", (data, places[1].n))
    at.close()
    told = spool.batch().events
    assert [one.data["n"] for one in told] == [0, 2]
    spool.settle([places[0], places[2]], {})
    [gap] = spool.batch().events
    assert (gap.type, gap.data["reason"], gap.data["first"], gap.data["count"]) == (GAP, Reason.BROKEN, 2, 1)
