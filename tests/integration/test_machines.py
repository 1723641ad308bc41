"""A pub hangs while neither master nor service is there: its node heals it, remembers that, and reports it later."""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import docker
import pytest
from campaigns import hang, state, swept
from daemons import running, until
from ports import free_port
from salt_daemons import TOP, Master, Minion

from pillar_service.core.machines.machines import Event
from pillar_service.node.containers import BOT_LABEL, NODE_LABEL
from pillar_service.node.paths import PUB_USER, Home
from pillar_service.node.spool import Spool

pytestmark = pytest.mark.slow

NODE, BOT = f"healed-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex[:16]
IMAGE = f"saltcellar/pub:{json.loads((TOP / 'states/pubs/image/package.json').read_text())['version']}"


@pytest.fixture
def minion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minion]:
    """A minion with the shipped machine, whose master has not been started yet."""
    folder = tmp_path_factory.mktemp("h")
    master = Master(folder / "master", "http://127.0.0.1:9", folder / "token")
    minion = Minion(folder / "m", NODE, master)
    machines = Home(folder / "m" / "node").machines
    machines.mkdir(parents=True)
    shutil.copy(TOP / "salt/machines/pub-healer.yaml", machines)
    with swept(folder):
        yield minion
        minion.stop()


@pytest.fixture
def pub(minion: Minion) -> Iterator[Any]:
    """A real pub that runs on that node and does not turn unhealthy on a busy machine."""
    data = minion.folder / "pub"
    data.mkdir()
    config = json.loads((TOP / "tests/image/fixtures/config").read_text())
    config["connections"]["incoming"]["net"][0]["port"] = free_port()
    (data / "config").write_text(json.dumps(config))
    os.chown(data, PUB_USER, PUB_USER)
    with closing(docker.from_env()) as engine:
        yield engine.containers.run(
            IMAGE,
            name=f"hangs-{BOT}",
            labels={NODE_LABEL: NODE, BOT_LABEL: BOT},
            volumes={str(data): {"bind": "/home/node/.ssb"}},
            init=True,
            healthcheck={"test": ["NONE"]},
            detach=True,
            restart_policy={"Name": "unless-stopped"},
        )


def waiting(minion: Minion, kind: Event) -> list[dict[str, Any]]:
    """The events of that kind that wait in the spool."""
    return [one.data for one in Spool(Home(minion.folder / "node")).batch().events if one.type == kind]


def asked(minion: Minion, function: str, *arguments: str) -> Any:
    """Runs a function on the node and returns its answer; None if it does not answer yet."""
    try:
        return minion.master.salt(NODE, function, *arguments, seconds=20)
    except subprocess.TimeoutExpired:
        return None


def moves(minion: Minion) -> list[tuple[str, str, str]]:
    return [(one["source"], one["event"], one["target"]) for one in waiting(minion, Event.TRANSITION)]


def test_a_pub_that_hangs_is_healed_with_the_master_gone(minion: Minion, pub: Any) -> None:
    with running(minion.master):
        minion.start()
        until(lambda: asked(minion, "test.ping"), 150, "the node answers")
        asked(minion, "saltutil.sync_modules")
        row = until(lambda: asked(minion, "machines.list"), 60, "the node lists its machines")["pub-healer"]
        assert (row["file"], row.get("fault")) == (str(Home(minion.folder / "node").machines / "pub-healer.yaml"), None)
        watched = Home(minion.folder / "node").running / "pub-healer" / f"{BOT}.json"
        until(watched.exists, 60, "the machine watches the pub")
        minion.master.kill()
    began = state(pub)["StartedAt"]
    hang(pub)
    until(lambda: state(pub)["StartedAt"] != began, 120, "the node restarts its pub")
    until(lambda: len(moves(minion)) > 1, 60, "both steps are in the spool")
    assert moves(minion)[:2] == [("watching", "hung", "restarting"), ("restarting", "restarted", "settling")]
    assert [(one["action"], one["of"], one["error"]) for one in waiting(minion, Event.ACTION)] == [
        ("restart", BOT, None)
    ]
    assert not waiting(minion, Event.GAVE_UP)

    with running(minion.master):
        until(lambda: asked(minion, "test.ping"), 150, "the node answers again")
        history = asked(minion, "machines.history", "pub-healer", BOT, "last=50")[BOT]
        assert {"hung", "restarted"} <= {one.get("event") for one in history}
        shown = asked(minion, "machines.show", "pub-healer")["instances"][BOT]
        assert (shown["remembers"], shown["uses_this_file"]) == ({"tries": 1, "most": 5, "why": "it hangs"}, True)
        assert asked(minion, "machines.fire", "pub-healer", "reset", BOT)["asked"] == [BOT]
        until(lambda: moves(minion)[-1][1:] == ("reset", "watching"), 30, "what was fired is taken")
        assert "takes no event 'explode'" in asked(minion, "machines.fire", "pub-healer", "explode")
