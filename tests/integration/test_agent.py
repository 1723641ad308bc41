"""The agent in a real minion, mostly without a master: it delivers events, survives kills, and ends with the minion."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from daemons import running, until
from ingest import NODE, Ingest
from salt_daemons import Master, Minion

from pillar_service.core.events.submission import Lifecycle
from pillar_service.node.lastgood import Kept
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool


@pytest.fixture
def minion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minion]:
    """A minion whose master never starts."""
    folder = tmp_path_factory.mktemp("a")
    master = Master(folder / "master", "http://127.0.0.1:9", folder / "token")
    minion = Minion(folder / "m", NODE, master)
    yield minion
    minion.stop()


@pytest.fixture
def ingest(minion: Minion) -> Iterator[Ingest]:
    ingest = Ingest(load_pem_public_key((minion.folder / "pki" / "minion.pub").read_bytes()))
    pillar = {"saltcellar": {"node": NODE, "service": ingest.told, "bots": {}}}
    Kept(home(minion), NODE, minion.folder / "pki").keep(pillar)
    yield ingest
    ingest.stop()
    assert ingest.faults == []


def home(minion: Minion) -> Home:
    return Home(minion.folder / "node")


def agent(minion: Minion) -> int:
    return int((home(minion).state / "agent.lock").read_text() or 0)


def heard(ingest: Ingest, type: str) -> Callable[[], int]:
    return lambda: sum(one.type == type for one in ingest.stored.values())


def told(minion: Minion, ingest: Ingest, type: str) -> int:
    """How many events of a type have arrived or still wait in the spool."""
    return heard(ingest, type)() + sum(one.type == type for one in Spool(home(minion)).batch().events)


def submit(minion: Minion, n: int) -> None:
    command = [sys.executable, "-m", "pillar_service.node.submitting", "--type", "org.example.thing", "--subject", "x"]
    done = subprocess.run(
        [*command, "--stream", "s", "--data", str(home(minion).root)], input=f'{{"n": {n}}}', text=True, timeout=60,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_it_works_alone_and_outlives_kills(minion: Minion, ingest: Ingest) -> None:
    starts = heard(ingest, Lifecycle.START)
    minion.start()
    until(lambda: starts() == 1, 60, "the agent says that it started")
    before = agent(minion)
    os.kill(before, signal.SIGKILL)
    until(lambda: starts() == 2, 60, "the minion starts it again")
    assert agent(minion) != before

    ingest.mood = lambda events: (503, {"detail": "Later."})
    for n in range(5):
        submit(minion, n)
    minion.kill()
    submit(minion, 5)
    ingest.mood = lambda events: None
    minion.start()
    until(lambda: starts() == 3, 60, "another minion's agent")
    until(lambda: ingest.numbers().get("s") == list(range(6)), 30, "what was submitted, in order")

    last = agent(minion)
    os.kill(minion.pid, signal.SIGKILL)  # not its children: the agent must notice by itself
    until(lambda: not Path(f"/proc/{last}").exists(), 20, "the agent is gone")
    assert told(minion, ingest, Lifecycle.STOP) == 1


def test_it_stops_in_peace_with_the_minion(minion: Minion, ingest: Ingest) -> None:
    """With a master that answers: without one, Salt's minion ignores SIGTERM and has to be killed."""
    with running(minion.master):
        minion.start()
        minion.wait()
        until(lambda: told(minion, ingest, Lifecycle.START) == 1, 60, "the agent has started")
        last = agent(minion)
        os.kill(minion.pid, signal.SIGTERM)
        until(lambda: not Path(f"/proc/{last}").exists(), 30, "the agent is gone")
    assert told(minion, ingest, Lifecycle.STOP) == 1
