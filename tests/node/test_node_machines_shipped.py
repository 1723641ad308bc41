"""The machines that come with Saltcellar: they have no faults, and `self-upgrade` does what it says."""

import time
from pathlib import Path

import pytest
from machine_rooms import NODE, Room

from pillar_service.node.machines import asking, library

SHIPPED = sorted((Path(__file__).parents[2] / "salt" / "machines").glob("*.yaml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_is_shipped_has_no_fault(file: Path) -> None:
    assert library.read(file.read_bytes(), file.stem).about


def test_four_are_shipped() -> None:
    assert [file.stem for file in SHIPPED] == ["certificate-watch", "disk-guard", "pub-healer", "self-upgrade"]


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
    marks["schedule tonight"] -= 3 * 86_400  # It last waited days ago, and many nights have passed.
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
