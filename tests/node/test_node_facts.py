"""A node tells its facts when they change and from time to time, but no secrets and nothing that only takes up room."""

import json
from pathlib import Path
from typing import Any

import pytest

from pillar_service.core.events.submission import Priority
from pillar_service.core.nodes import facts as rules
from pillar_service.node import facts
from pillar_service.node.facts import Facts
from pillar_service.node.paths import Home
from pillar_service.node.spool import Bounds, Place, Spool
from pillar_service.node.told import Told

GRAINS = {"os": "Debian", "pid": 4711, "api_token": "canary-1", "path": "/bin", "odd": {1, 2}, 5: "x", (1, 2): "y"}
LATER = rules.EVERY_S * 1.11


@pytest.fixture(autouse=True)
def _no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def told(spool: Spool) -> list[dict[str, Any]]:
    """The waiting facts, which are then settled."""
    batch = spool.batch()
    spool.settle([Place(one.epoch, one.sequence) for one in batch.events], {})
    assert all((one.type, one.subject) == ("nz.butt.saltcellar.facts", "garden") for one in batch.events)
    assert all((one.stream, one.priority) == ("facts", Priority.BULK) for one in batch.events)
    return [one.data["facts"] for one in batch.events]


def test_they_are_told_when_they_change_and_every_ten_minutes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, asked = Spool(home), []
    duty = Facts("garden", spool, lambda: asked.append(1) or GRAINS)
    for now in (0.0, 60.0, 500.0):
        duty.run(now)
    assert [one["grains"]["os"] for one in told(spool)] == ["Debian"]
    assert len(asked) == 1, "grains are costly"
    monkeypatch.setattr(facts, "versions", lambda: {"salt": "3009"})
    duty.run(510.0)
    assert [one["versions"] for one in told(spool)] == [{"salt": "3009"}]
    duty.run(510.0 + rules.EVERY_S * 0.89)
    assert told(spool) == []
    duty.run(510.0 + LATER)
    assert len(told(spool)) == 1


def test_what_came_of_an_upgrade_is_told_as_it_is(home: Home) -> None:
    """The service stops a wave by exactly these words."""
    from pillar_service.node.upgrading.duty import Upgrading, state

    spool = Spool(home)
    duty = Facts("garden", spool, lambda: GRAINS, upgrade=lambda: state(home))
    duty.run(0)
    Upgrading(home, Told, home.root)._keep({"order": "a-1", "version": "9"}, "failed", "There is no room.")
    duty.run(60)
    first, second = told(spool)
    assert "upgrade" not in first
    assert second["upgrade"] == {"order": "a-1", "version": "9", "state": "failed", "why": "There is no room."}


def test_grains_that_are_others_are_told(home: Home) -> None:
    spool, grains = Spool(home), {"os": "Debian 12"}
    duty = Facts("garden", spool, lambda: grains)
    duty.run(0)
    grains["os"] = "Debian 13"
    duty.run(LATER)
    assert [one["grains"]["os"] for one in told(spool)] == ["Debian 12", "Debian 13"]


def test_the_same_waits_once_however_long_nobody_takes_it(home: Home) -> None:
    spool = Spool(home)
    duty = Facts("garden", spool, lambda: GRAINS)
    for n in range(20):
        duty.run(n * LATER)
    assert len(told(spool)) == 1
    duty.run(21 * LATER)
    assert len(told(spool)) == 1


def test_nodes_do_not_all_speak_at_once(home: Home) -> None:
    due = set()
    for _ in range(20):
        duty = Facts("garden", Spool(home), lambda: GRAINS)
        duty.run(0)
        due.add(duty._due)
    assert len(due) > 10
    assert all(0.9 * rules.EVERY_S <= one <= 1.1 * rules.EVERY_S for one in due)


def test_no_secret_and_nothing_passing_leaves_the_node_or_stands_on_its_disk(home: Home) -> None:
    spool = Spool(home)
    Facts("garden", spool, lambda: GRAINS).run(0)
    assert not any(b"canary" in file.read_bytes() for file in home.state.iterdir())
    [one] = told(spool)
    assert not {"pid", "path"} & set(one["grains"])


def test_what_can_not_be_kept_is_told_the_next_time(home: Home) -> None:
    spool = Spool(home, Bounds(bytes=1, reserved=1))
    duty = Facts("garden", spool, lambda: GRAINS)
    duty.run(0)
    assert told(spool) == []
    spool.bounds = Bounds()
    duty.run(60)
    duty.run(120)
    assert len(told(spool)) == 1


def test_grains_that_are_too_many_are_left_out_and_the_rest_is_told(home: Home) -> None:
    spool = Spool(home)
    Facts("garden", spool, lambda: {"a": ["x"] * rules.LARGEST}).run(0)
    [one] = told(spool)
    assert one["grains"] == {"left_out": True}
    assert one["docker"] == {"answers": False}
    assert {"python", "kernel", "salt"} <= set(one["versions"])


def test_each_disk_stands_once(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "overlay / overlay rw 0 0\nproc /proc proc rw 0 0\n/dev/sda1 /nowhere\\040there ext4 rw 0 0\n"
        f"/dev/sdb1 {tmp_path} ext4 rw 0 0\n/dev/sdb1 /var ext4 rw 0 0\n"
    )
    found = facts.disks(mounts)
    assert set(found) == {"/", str(tmp_path)}
    assert found[str(tmp_path)]["device"] == "/dev/sdb1"
    assert found["/"]["size_bytes"] > 0
    assert json.dumps(found)
