"""Every process of a command ends: when its time is up, it is stopped, it is done, or the minion dies."""

import os
import secrets
import signal
import threading
import time
from pathlib import Path

import pytest
from executing import Cellar, alive, until

from pillar_service.node.executor import cage, leftovers, stopping
from pillar_service.node.executor.duty import Commands
from pillar_service.node.paths import Home
from pillar_service.node.told import Told

STUBBORN = {
    "a child": "sleep 300.{mark} & wait",
    "one in the background": "sleep 300.{mark} & true",
    "a grandchild twice removed": "(setsid sh -c '(sleep 300.{mark} &) &' &); sleep 30",
    "one that ignores SIGTERM": "python3 -c 'import signal, time; signal.signal(15, 1); time.sleep(300)' {mark} & wait",
    "a session of its own that ignores SIGTERM": (
        "setsid python3 -c 'import signal, time\nfor n in (1, 2, 3, 15): signal.signal(n, 1)\ntime.sleep(300)' {mark} & "
        "trap '' TERM; sleep 301.{mark}; sleep 302.{mark}; sleep 303.{mark}"
    ),
}


@pytest.fixture
def mark() -> str:
    return str(secrets.randbelow(10**9) + 10**9)


@pytest.mark.parametrize("script", STUBBORN.values(), ids=list(STUBBORN))
def test_all_of_it_ends_with_the_time(cellar: Cellar, script: str, mark: str) -> None:
    cellar.shell(script.format(mark=mark) + "; sleep 30", timeout_s=1)
    began = time.monotonic()
    ran = cellar.run()
    assert ran["state"] == "timed_out", ran
    assert "1 s" in ran["error"]
    assert alive(mark) == []
    assert time.monotonic() - began < 9


def test_what_is_done_leaves_nothing_behind(cellar: Cellar, mark: str) -> None:
    cellar.shell(f"(setsid sleep 300.{mark} &); echo done")
    ran = cellar.run()
    assert (ran["state"], ran["head"]) == ("done", ["done"])
    assert alive(mark) == []


def started(cellar: Cellar, job: str, told: list) -> threading.Thread:
    thread = threading.Thread(target=lambda: told.append(cellar.run(job)))
    thread.start()
    until(lambda: stopping.running(cellar.home))
    return thread


@pytest.mark.parametrize("force", [False, True])
def test_stopping_ends_it(cellar: Cellar, mark: str, force: bool) -> None:
    cellar.shell(f"trap 'echo asked' TERM; echo up; sleep 300.{mark} & wait; wait; sleep 300.{mark}")
    job, told = cellar.ask(), []
    thread = started(cellar, job, told)
    until(lambda: alive(mark))
    began = time.monotonic()
    answer = stopping.stop(cellar.home, job, force)
    thread.join()
    took = time.monotonic() - began
    assert answer == {"job": job, "stopped": True, "state": "killed"}
    assert told[0]["state"] == "killed"
    assert told[0]["head"] == (["up"] if force else ["up", "asked"])
    assert (took < 3) if force else (took < 9)
    assert alive(mark) == []
    assert stopping.stop(cellar.home, job) == {"job": job, "stopped": False, "state": "killed"}


def test_stopping_what_is_not_here_says_so(cellar: Cellar) -> None:
    assert stopping.stop(cellar.home, "0" * 16) == {"job": "0" * 16, "stopped": False, "state": None}


def test_a_function_ends_with_its_time_too(cellar: Cellar) -> None:
    cellar.call = lambda *_: (time.sleep(300), 0)
    cellar.commands["x"] = {"function": "test.sleep", "timeout_s": 1}
    assert cellar.run()["state"] == "timed_out"


def test_when_the_minion_dies_all_of_it_dies_and_the_outcome_says_so(cellar: Cellar, mark: str) -> None:
    cellar.shell(f"(setsid sleep 300.{mark} &); trap '' TERM; echo up; sleep 301.{mark}; sleep 302.{mark}")
    job = cellar.ask()
    minion = cellar.outside(job)
    until(lambda: len(alive(mark)) >= 3)
    until(lambda: cellar.lines(job))
    minion.kill()
    minion.communicate()
    until(lambda: not alive(mark))
    until(lambda: not stopping.running(cellar.home))
    assert list(cage.MOUNT.rglob(f"{job}.1")) == []
    ran = cellar.run(job)
    assert ran["state"] == "killed"
    assert "the minion stopped" in ran["error"].lower()
    assert stopping.outcome(cellar.home, job) == ran
    cellar.shell("true")
    cellar.run()  # The next run cleans up.
    assert os.listdir(cellar.home.executor / "scratch") == []


def test_what_outlived_its_warden_is_ended_by_the_agent(
    cellar: Cellar, mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cellar.shell(f"(setsid sleep 300.{mark} &); echo up; sleep 301.{mark}")
    job = cellar.ask()
    minion = cellar.outside(job)
    until(lambda: len(alive(mark)) >= 2)
    until(lambda: cellar.lines(job))
    for pid in (stopping.running(cellar.home)[0]["pid"], minion.pid):  # like systemd ending a unit, but in this order
        os.kill(pid, signal.SIGKILL)
    minion.communicate()
    if not list(cage.MOUNT.rglob(f"{job}.1")):  # Control groups can't be made here, so this folder looks like one.
        monkeypatch.setattr(cage, "MOUNT", tmp_path)
        (tmp_path / "pids/saltcellar" / f"{job}.1").mkdir(parents=True)
        (tmp_path / "pids/saltcellar" / f"{job}.1" / "cgroup.procs").write_text("\n".join(map(str, alive(mark))))
    assert leftovers.end(Home(cellar.home.root / "another")) == 0
    assert alive(mark), "another node's are let alone"
    duty = Commands(cellar.home, Told)
    duty.run(0.0)
    until(lambda: not alive(mark))
    duty.run(5.0)
    assert list(cage.MOUNT.rglob(f"{job}.1/pids.max")) == []
    assert "the minion stopped" in cellar.run(job)["error"].lower()


def test_stopping_does_not_reach_a_stranger_with_the_same_number(cellar: Cellar) -> None:
    from pillar_service.node.executor import processes

    found = processes.look(os.getpid())
    assert found is not None
    assert not processes.send(found._replace(start=found.start - 1), stopping.warden.IN_PEACE)
