"""The shipped pub-healer heals real containers without master and service; only its patience is shortened."""

import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from machine_rooms import Room

from pillar_service.node import containers, inspections
from pillar_service.node.machines import asking
from pillar_service.node.machines import containers as looking

HEALER = (Path(__file__).parents[2] / "salt/machines/pub-healer.yaml").read_text()
QUICK = (
    ("10 * 2 **", "0.1 * 2 **"),
    ("every: 5s", "every: 1s"),
    ("every: 30s", "every: 1s"),
    ("hold: 10s", "hold: 1s"),
)


@pytest.fixture
def node() -> str:
    return f"healed-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def bot() -> str:
    return uuid.uuid4().hex[:16]


@pytest.fixture
def room(tmp_path: Path, node: str) -> Iterator[Room]:
    room, healer = Room(tmp_path, node), HEALER
    for long, short in QUICK:
        assert long in healer
        healer = healer.replace(long, short)
    room.write("pub-healer", healer)
    yield room
    room.close()


def labels(node: str, bot: str) -> dict[str, str]:
    return {containers.NODE_LABEL: node, containers.BOT_LABEL: bot}


def test_a_stopped_pub_is_healed_while_everybody_is_away(room: Room, new_pub: Any, node: str, bot: str) -> None:
    pub = new_pub()
    pub.name = f"{pub.name}-{bot}"
    pub.start(labels=labels(node, bot))
    pub.wait_up()
    room.in_state("watching", "pub-healer", bot)
    began = pub.state()["StartedAt"]

    os.kill(pub.node_pid(), signal.SIGSTOP)
    room.in_state("settling", "pub-healer", bot)
    assert pub.state()["StartedAt"] != began
    pub.wait_up()
    assert room.engine.instances["pub-healer", bot].memory.values == {"tries": 1, "most": 5, "why": "it hangs"}
    assert asking.history(room.home, "pub-healer", bot)[bot][-1]["event"] == "hung"
    room.in_state("watching", "pub-healer", bot)
    assert not room.told.of("gave-up")


@pytest.fixture
def crashing(engine: docker.DockerClient, node: str, bot: str) -> Iterator[Any]:
    container = engine.containers.run(
        "saltcellar/base:bookworm",
        ["sh", "-c", "sleep 0.1; exit 1"],
        name=f"crashing-{bot}",
        labels=labels(node, bot),
        detach=True,
        restart_policy={"Name": "unless-stopped"},
    )
    yield container
    container.remove(force=True, v=True)


def test_a_crash_loop_backs_off_and_gives_up_with_one_shout(room: Room, crashing: Any, bot: str) -> None:
    entered: dict[tuple[str, int], float] = {}

    def given_up() -> bool:
        instance = room.engine.instances.get(("pub-healer", bot))
        if instance is None:
            return False
        memory = instance.memory
        entered.setdefault((memory.state, memory.values["tries"]), memory.entered)
        return memory.state == "given_up"

    # In real time: five minutes with three crashes would be over before Docker, on a busy machine, has restarted it thrice.
    room.until(given_up, 240, ahead_s=0.0)
    waits = {tries: entered["watching", tries] - entered["settling", tries] for tries in range(1, 6)}
    assert all(wait >= 0.1 * 2**tries for tries, wait in waits.items()), waits
    for _ in range(50):
        room.ahead += 60
        room.tick()
    assert [one["sentence"].split(":")[1] for one in room.told.of("gave-up")] == [
        " it crashes again and again, after 5 restarts. Look at its log."
    ]
    room.engine.close()
    room.begin()
    room.in_state("given_up", "pub-healer", bot)
    room.until(lambda: room.engine.instances["pub-healer", bot]._watchings[-1].seen)
    assert len(room.told.of("gave-up")) == 1, "nor after a restart"
    asking.fire(room.home, "pub-healer", "reset", bot)
    room.in_state("watching", "pub-healer", bot)
    assert room.engine.instances["pub-healer", bot].memory.values["tries"] == 0


def test_a_container_that_somebody_stopped_stays_so(room: Room, engine: Any, crashing: Any, bot: str) -> None:
    room.in_state("watching", "pub-healer", bot)
    crashing.stop(timeout=0)
    for _ in range(30):
        room.ahead += 5
        room.tick()
        time.sleep(0.02)
    crashing.reload()
    assert crashing.status == "exited"


@pytest.fixture
def steady(engine: docker.DockerClient, node: str, bot: str) -> Iterator[Any]:
    container = engine.containers.run(
        "saltcellar/base:bookworm",
        ["sleep", "1000"],
        name=f"steady-{bot}",
        labels=labels(node, bot),
        detach=True,
        restart_policy={"Name": "unless-stopped"},
    )
    yield container
    container.remove(force=True, v=True)


def test_a_container_that_goes_on_is_not_inspected_and_one_that_changed_is(
    steady: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, inspect = [], docker.APIClient.inspect_container

    def counted(self: docker.APIClient, name: str) -> Any:
        asked.append(name)
        return inspect(self, name)

    monkeypatch.setattr(docker.APIClient, "inspect_container", counted)
    seen = looking.look(steady.name)
    assert (seen["running"], seen["restarts"], seen["health"], asked) == (True, 0, "none", [steady.name])
    time.sleep(looking.FRESH_S)
    assert looking.look(steady.name) == seen | {"uptime_s": looking.look(steady.name)["uptime_s"]}
    assert len(asked) == 1
    steady.reload()
    os.kill(steady.attrs["State"]["Pid"], signal.SIGKILL)
    ends = time.monotonic() + inspections.STEADY_S / 2
    while looking.look(steady.name)["restarts"] == 0:
        assert time.monotonic() < ends, "it is not seen at once"
        time.sleep(0.1)
