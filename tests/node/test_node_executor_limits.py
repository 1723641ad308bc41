"""What a command may use: memory, processor, processes, files; limited by limits(2) and, where possible, by control groups."""

import secrets
import threading
import time
from pathlib import Path

import pytest
from executing import Cellar, alive

from pillar_service.node.executor import cage
from pillar_service.node.executor.entries import Limits

HAS_GROUPS = bool(cage.build("probe", Limits()).folders)
cage.build("probe", Limits()).remove()

BOMB = """
import os, sys, time
end = time.monotonic() + 2
while time.monotonic() < end:
    try:
        os.fork()
    except OSError:
        time.sleep(0.01)
time.sleep(60)
"""


def limits(**told: int) -> dict:
    return {"memory_mb": 256, "cpu_s": 10, "processes": 32, "file_mb": 10} | told


def test_memory_is_bounded(cellar: Cellar) -> None:
    taking = "import sys; x = b'x' * (400 << 20); print(len(x))"
    cellar.commands["x"] = {"argv": ["python3", "-c", taking], "limits": limits()}
    ran = cellar.run()
    assert ran["state"] == "failed"
    assert "MemoryError" in "".join(ran["head"])
    cellar.commands["x"]["limits"] = limits(memory_mb=1024)
    assert cellar.run()["head"] == [str(400 << 20)]


def test_what_a_program_only_reserves_is_not_taken_for_used(cellar: Cellar) -> None:
    """Docker's client, kubectl and all else in Go or on V8 reserve gigabytes of address space as they start."""
    reserving = "import ctypes; m = ctypes.CDLL(None).mmap; m.restype = ctypes.c_ssize_t; "
    reserving += (
        "print(m(None, ctypes.c_size_t(8 << 30), 0, 0x4022, -1, 0) > 0)"  # private, anonymous, not even readable
    )
    cellar.commands["x"] = {"argv": ["python3", "-c", reserving], "limits": limits()}
    assert cellar.run()["head"] == ["True"]


def test_processor_time_is_bounded(cellar: Cellar) -> None:
    cellar.shell("while :; do :; done", limits=limits(cpu_s=1))
    ran = cellar.run()
    assert ran["state"] == "failed"
    assert "CPU time" in ran["error"]
    assert ran["seconds"] < 10


def spin(*_: object) -> tuple[str, int]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        pass
    return "spun", 0


def test_a_functions_processor_time_is_bounded(cellar: Cellar) -> None:
    cellar.call = spin
    cellar.commands["x"] = {"function": "test.fib", "limits": limits(cpu_s=1)}
    ran = cellar.run()
    assert (ran["state"], "CPU time" in ran["error"]) == ("failed", True)
    assert ran["seconds"] < 20


def test_a_functions_memory_is_bounded(cellar: Cellar) -> None:
    cellar.call = lambda *_: (len(b"x" * (400 << 20)), 0)
    cellar.commands["x"] = {"function": "test.echo", "limits": limits()}
    ran = cellar.run()
    assert (ran["state"] == "failed") == HAS_GROUPS
    cellar.commands["x"]["limits"] = limits(memory_mb=1024)
    assert cellar.run()["head"] == [str(400 << 20)]


def test_a_files_size_is_bounded(cellar: Cellar) -> None:
    cellar.shell("head -c 20000000 /dev/zero > big; wc -c < big", limits=limits())
    assert str(10 << 20) in cellar.run()["head"]


def most_seen(cellar: Cellar, mark: str) -> tuple[dict, int]:
    told: list[dict] = []
    thread = threading.Thread(target=lambda: told.append(cellar.run()))
    thread.start()
    most = 0
    while thread.is_alive():
        most = max(most, len(alive(mark)))
        time.sleep(0.1)
    return told[0], most


@pytest.mark.parametrize("user", ["nobody", "root"] if HAS_GROUPS else ["nobody"])  # Only a control group limits root.
def test_a_fork_bomb_is_bounded_and_ends(cellar: Cellar, user: str) -> None:
    mark = f"bomb-{secrets.token_hex(8)}"
    cellar.commands["x"] = {"argv": ["python3", "-c", BOMB, mark], "timeout_s": 3, "limits": limits(), "user": user}
    ran, most = most_seen(cellar, mark)
    assert ran["state"] == "timed_out"
    assert 10 < most <= 32
    assert alive(mark) == []
    assert "left" not in ran


@pytest.mark.parametrize("kind", ["program", "function"])
def test_the_cage_goes_with_the_command(cellar: Cellar, kind: str) -> None:
    cellar.shell("cat /proc/self/cgroup")
    if kind == "function":
        cellar.call = lambda *_: (Path("/proc/self/cgroup").read_text(), 0)
        cellar.commands["x"] = {"function": "test.echo"}
    ran = cellar.run()
    assert (f"/saltcellar/{ran['job']}.1" in "".join(ran["head"])) == HAS_GROUPS
    assert list(cage.MOUNT.rglob(f"{ran['job']}.1")) == []


def test_without_control_groups_there_is_no_cage(tmp_path) -> None:
    nowhere = cage.build("x", Limits(), tmp_path / "nothing")
    assert nowhere.folders == ()
    assert nowhere.inside() == set()
