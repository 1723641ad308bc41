"""A spool whose file breaks, whose disk is full, or whose writers are killed or forked."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from spooling import KIND, Clock, all_of, filled, gaps, numbers

from pillar_service.core.errors import Failed, Full
from pillar_service.core.events.gaps import Reason
from pillar_service.node.paths import Home
from pillar_service.node.spool import Place, Spool


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
    with spool.path.open("r+b") as file:  # the first page, by which SQLite recognises its files, stays whole
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    later = Spool(home, now=spool.now)  # as after the power cut that broke it
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


@pytest.mark.parametrize(("jump_s", "is_new"), [(3600.0, True), (0.5, False), (-3600.0, False)])
def test_a_machine_that_was_set_back_with_its_memory_gives_no_number_again(
    home: Home, tmp_path: Path, spool: Spool, time_of_day: Clock, jump_s: float, is_new: bool
) -> None:
    spool.put(KIND, "node", {"n": 1})
    waiting = numbers(spool)
    before, first = shutil.copytree(home.root, tmp_path / "before"), spool.put(KIND, "node", {"n": 2})
    time_of_day.at += jump_s  # it resumes where its memory was, and then its clock is set right
    again = Spool(Home(before), now=time_of_day)
    place = again.put(KIND, "node", {"n": 3})
    assert (place > first, place == first) == (is_new, not is_new)
    assert (numbers(again), waiting) == ([1, 3], [1])
    time_of_day.pass_by(60)
    assert again.put(KIND, "node", {"n": 4}) == (place.epoch, place.sequence + 1)
    again.close()


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
    assert "nothing was stored" in why
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
    another.put(KIND, "node", {"n": 0})  # while it is open here, too, SQLite does not tidy up on closing
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
    with pytest.raises(Full, match="nothing was stored"):
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
    """Twenty kills: five times four processes that write at once."""
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
        assert len(found[who]) in (last + 1, last + 2)  # the last may be on disk without having been acknowledged


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
