"""Events that anything on the node submits: by the command, and by files in a folder."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pillar_service.core.errors import Invalid
from pillar_service.core.events.submission import LARGEST, Submission
from pillar_service.node.drops import Drops
from pillar_service.node.paths import Home
from pillar_service.node.spool import Bounds, Spool

TOLD = {"type": "org.example.backup.done", "subject": "db", "data": {"n": 1}}


@pytest.fixture
def spool(home: Home) -> Spool:
    return Spool(home)


@pytest.fixture
def drops(home: Home, spool: Spool) -> Drops:
    home.drop.mkdir(parents=True)
    return Drops(home, spool)


def waiting(home: Home) -> list[Submission]:
    return Spool(home).batch().events


def command(home: Home, given: bytes, *arguments: str) -> subprocess.CompletedProcess:
    home.root.mkdir(exist_ok=True)
    line = [sys.executable, "-m", "pillar_service.node.submitting", *arguments, "--data", str(home.root)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(line, input=given, capture_output=True, timeout=60, check=False, env=environment)


ASKED = ("--type", "org.example.backup.done", "--subject", "db")


def test_the_command_keeps_an_event_and_says_where(home: Home) -> None:
    done = command(home, b'{"n": 1}', *ASKED, "--stream", "backups", "--priority", "3")
    assert (done.returncode, done.stderr) == (0, b"")
    [one] = waiting(home)
    assert done.stdout.decode().strip() == f"{one.epoch}/{one.sequence}"
    assert (one.type, one.subject, one.stream, one.priority, one.data) == (*ASKED[1::2], "backups", 3, {"n": 1})


def test_what_is_no_json_is_text(home: Home) -> None:
    assert command(home, "all well, é\n".encode(), *ASKED).returncode == 0
    assert [one.data for one in waiting(home)] == ["all well, é\n"]


@pytest.mark.parametrize(
    ("given", "more", "why"),
    [
        (b"1", ("--type", "nz.butt.saltcellar.lifecycle.stop"), "Saltcellar's own"),
        (b"1", ("--type", "backup"), "can't be an event's type"),
        (b"1", ("--priority", "0"), "from 1 to 4"),
        (b"1", ("--priority", "high"), "from 1 to 4"),
        (b"1", ("--subject", ""), "subject"),
        (b"1", ("--stream", "a b"), "can't be a stream"),
        pytest.param(b"\xff\xfe", (), "not UTF-8 text", id=r"\xff\xfe-more6-no text"),
        (b"x" * (LARGEST + 1), (), "240 KiB"),
    ],
)
def test_the_command_says_what_is_wrong(home: Home, given: bytes, more: tuple, why: str) -> None:
    done = command(home, given, *ASKED, *more)
    assert (done.returncode, done.stdout) == (2, b"")
    assert why in done.stderr.decode()
    assert waiting(home) == []


def test_the_command_finds_the_minions_data_directory(home: Home, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "minion").write_text(json.dumps({"saltcellar": {"data": str(home.root)}}))
    done = command(home, b"1", *ASKED, "--config", str(tmp_path / "etc"))
    assert done.returncode == 0
    from pillar_service.node import submitting

    assert submitting._configured(str(tmp_path / "etc")) == str(home.root)


@pytest.mark.parametrize(
    ("data", "config", "why"), [("gone", "", "No node keeps its data in"), ("", "gone", "is no dir")]
)
def test_the_command_keeps_nothing_where_no_node_is(tmp_path: Path, data: str, config: str, why: str) -> None:
    there = [f"--data={tmp_path}/{data}"] if data else [f"--config={tmp_path}/{config}"]
    line = [sys.executable, "-m", "pillar_service.node.submitting", *ASKED, *there]
    done = subprocess.run(line, input=b"1", capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert why in done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


def drop(home: Home, name: str, told: Any) -> Path:
    path = home.drop / name
    path.write_bytes(told if isinstance(told, bytes) else json.dumps(told).encode())
    return path


def test_files_are_taken_oldest_first_and_are_gone(home: Home, drops: Drops) -> None:
    for n, name in enumerate("zmab"):
        os.utime(drop(home, name, {**TOLD, "data": n, "stream": "s"}), (n, n))
    drops.run()
    assert [one.data for one in waiting(home)] == [0, 1, 2, 3]
    assert {path.name for path in home.drop.iterdir()} == {"taking", "refused"}
    assert list((home.drop / "taking").iterdir()) == []


def test_the_folder_is_made_for_root_alone(home: Home, spool: Spool) -> None:
    Drops(home, spool).run()
    assert oct(home.drop.stat().st_mode & 0o777) == "0o700"


def test_one_that_is_still_written_or_has_a_dot_waits(home: Home, drops: Drops) -> None:
    drop(home, ".hidden", TOLD)
    with (home.drop / "slow").open("wb") as file:
        file.write(b'{"type": "org.example.backup.done", ')
        file.flush()
        drops.run()
        assert waiting(home) == []
        file.write(b'"subject": "db", "data": 1}')
    drops.run()
    assert [one.data for one in waiting(home)] == [1]
    (home.drop / ".hidden").rename(home.drop / "shown")
    drops.run()
    assert [one.data for one in waiting(home)] == [1, {"n": 1}]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (b"{", "no JSON"),
        (b"[]", "JSON object"),
        (b"[" * 100_000, "no JSON"),
        ({**TOLD, "type": "nz.butt.saltcellar.facts"}, "Saltcellar's own"),
        ({**TOLD, "priority": 0}, "from 1 to 4"),
        ({**TOLD, "id": "forged"}, "nothing else"),
        ({"type": "org.example.x"}, "subject"),
        (b"x" * (LARGEST + 5000), "KiB"),
        ({**TOLD, "stream": 5}, "can't be a stream"),
    ],
)
def test_what_makes_no_sense_is_moved_aside_with_the_reason(home: Home, drops: Drops, told: Any, why: str) -> None:
    drop(home, "bad", told)
    drop(home, "good", TOLD)
    drops.run()
    assert [one.data for one in waiting(home)] == [{"n": 1}]
    [reason] = (home.drop / "refused").glob("*-bad.why")
    assert why in reason.read_text()
    assert reason.with_suffix("").exists()


def test_links_pipes_and_second_names_are_not_followed(home: Home, drops: Drops, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(json.dumps(TOLD))
    (home.drop / "link").symlink_to(secret)
    (home.drop / "second").hardlink_to(secret)
    os.mkfifo(home.drop / "pipe")
    (home.drop / "folder").mkdir()
    drops.run()
    assert waiting(home) == []
    assert len(list((home.drop / "refused").glob("*.why"))) == 3
    assert secret.read_text() == json.dumps(TOLD)


@pytest.mark.parametrize("name", ["\U0001f9c2" * 60, "é" * 127, "\udcff" * 255, "x" * 255], ids=["4", "2", "none", "1"])
def test_a_long_name_is_cut_and_stops_nothing(home: Home, drops: Drops, name: str) -> None:
    drop(home, "before", {**TOLD, "data": 1})
    drop(home, name, b"{")
    drop(home, "after", {**TOLD, "data": 2})
    drops.run()
    assert sorted(one.data for one in waiting(home)) == [1, 2]
    assert len(list((home.drop / "refused").glob("*.why"))) == 1


def test_files_that_stay_open_or_are_leased_hold_up_nobody(
    home: Home, drops: Drops, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillar_service.node.drops.AT_ONCE", 2)
    held = []
    for n in range(4):
        os.utime(drop(home, f"held{n}", TOLD), (n, n))
        held.append((home.drop / f"held{n}").open("r+b" if n else "rb"))
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # the signal by which the kernel asks for the lease
    fcntl.fcntl(held[0], fcntl.F_SETLEASE, fcntl.F_WRLCK)
    for n in range(3):
        drop(home, f"free{n}", {**TOLD, "data": n})
    drops.run()
    assert len(waiting(home)) == 2
    drops.run()
    assert sorted(one.data for one in waiting(home)) == [0, 1, 2]
    for file in held:
        file.close()
    for _ in range(2):
        drops.run()
    assert len(waiting(home)) == 7


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "x" * 300])
def test_what_a_file_says_stops_nothing(home: Home, drops: Drops, text: str) -> None:
    for n, name in enumerate(TOLD):
        os.utime(drop(home, name, json.dumps({**TOLD, name: "T"}).replace('"T"', f'"{text}"').encode()), (n, n))
    drop(home, "good", TOLD)
    drops.run()
    assert [one.data for one in waiting(home)][-1] == {"n": 1}
    assert list((home.drop / "taking").iterdir()) == []


def test_with_the_spool_full_files_wait(home: Home, drops: Drops, spool: Spool) -> None:
    spool.bounds = Bounds(bytes=1, reserved=0)
    drop(home, "one", TOLD)
    for _ in range(3):
        drops.run()
    assert waiting(home) == []
    spool.bounds = Bounds()
    drops.run()
    assert [one.data for one in waiting(home)] == [{"n": 1}]


def test_what_is_refused_does_not_grow_for_ever(home: Home, drops: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillar_service.node.drops.MOST_REFUSED", 3)
    for n in range(6):
        drop(home, f"bad{n}", b"{")
        drops.run()
    assert len(list((home.drop / "refused").iterdir())) <= 6


def test_nothing_of_ours_is_submitted_by_others(spool: Spool) -> None:
    from pillar_service.node import submitting

    with pytest.raises(Invalid):
        submitting.submit(spool, "nz.butt.saltcellar.pub.health", "x", {}, None, 2)
