"""What Docker and the kernel tell about a container: when Docker is asked again, and what the pub's pulse adds."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from pillar_service.node import pulses
from pillar_service.node.inspections import Inspections


def told(pid: int, data: Path | None = None, **state: Any) -> dict[str, Any]:
    """A container in the form of Docker's inspect."""
    began = time.strftime("%Y-%m-%dT%H:%M:%S.0Z", time.gmtime(time.time() - 600))
    living = {"Status": "running", "Running": True, "Pid": pid, "StartedAt": began, "Health": {"Status": "starting"}}
    mounts = [{"Source": str(data), "Destination": pulses.DATA}] if data else []
    return {
        "Id": "c1",
        "State": living | state,
        "RestartCount": 3,
        "Mounts": mounts,
        "HostConfig": {"Memory": 128 << 20},
    }


def listed(status: str = "Up 3 minutes (health: starting)", state: str = "running", id: str = "c1") -> dict[str, Any]:
    return {"Id": id, "State": state, "Status": status}


class Docker:
    """Gives what the test sets about a container, and counts how often it is asked."""

    def __init__(self, says: dict[str, Any]) -> None:
        self.says, self.asked = says, 0

    def __call__(self, _name: str) -> dict[str, Any]:
        self.asked += 1
        return self.says


def test_a_container_that_goes_on_is_not_inspected_again() -> None:
    docker, known = Docker(told(os.getpid())), Inspections()
    for _ in range(3):
        assert known.of("c1", listed(), docker)["RestartCount"] == 3
    assert docker.asked == 1
    known.forget("c1")
    known.of("c1", listed(), docker)
    assert docker.asked == 2


@pytest.mark.parametrize(
    "other",
    [
        listed("Up 3 minutes (healthy)"),
        listed("Up 3 minutes (unhealthy)"),
        listed("Up 3 minutes"),
        listed("Up 3 minutes (Paused)", "paused"),
        listed(id="c2"),
        None,
    ],
)
def test_one_that_is_listed_as_another_or_otherwise_is_inspected(other: dict[str, Any] | None) -> None:
    docker, known = Docker(told(os.getpid())), Inspections()
    known.of("c1", listed(), docker)
    known.of("c1", other, docker)
    assert docker.asked == 2


@pytest.mark.parametrize("state", [{"Pid": 2**22 + 1}, {"Pid": 0}, {"Status": "paused"}])
def test_one_whose_process_is_gone_or_that_was_paused_is_inspected(state: dict[str, Any]) -> None:
    docker, known = Docker(told(os.getpid(), **state)), Inspections()
    known.of("c1", listed(), docker)
    known.of("c1", listed(), docker)
    assert docker.asked == 2


def beat(folder: Path, age_s: float) -> None:
    (folder / pulses.PULSE).write_text("")
    os.utime(folder / pulses.PULSE, (time.time() - age_s,) * 2)


@pytest.mark.parametrize(
    ("age_s", "means"), [(1, "healthy"), (44, "healthy"), (46, "unhealthy"), (700, "starting"), (-60, "starting")]
)
def test_a_pulse_tells_how_a_pub_is_where_it_can_be_of_this_run(tmp_path: Path, age_s: float, means: str) -> None:
    beat(tmp_path, age_s)
    assert pulses.health(told(os.getpid(), tmp_path)) == means


def test_without_a_pulse_docker_is_believed(tmp_path: Path) -> None:
    pid = os.getpid()
    assert pulses.health(told(pid, tmp_path)) == "starting"
    assert pulses.health(told(pid)) == "starting"
    (tmp_path / pulses.PULSE).symlink_to("/etc/hostname")
    assert pulses.health(told(pid, tmp_path)) == "starting"
    (tmp_path / pulses.PULSE).unlink()
    beat(tmp_path, 1)
    assert pulses.health(told(pid, tmp_path, Health=None)) == "none"
    assert pulses.health(told(pid, tmp_path, Running=False, Health={"Status": "unhealthy"})) == "unhealthy"
