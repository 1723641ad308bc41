"""Two masters for the same nodes: one publishes at a time, whoever is killed or frozen, and nothing runs twice."""

import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from daemons import Service, running, until
from salt_daemons import Master, Minion

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.jobs import OVER
from pillar_service.master.client import Client

pytestmark = pytest.mark.slow

JOBS = int(os.environ.get("CELLAR_TEST_JOBS", "40"))
SEED = int(os.environ.get("CELLAR_TEST_SEED", str(random.randrange(10**6))))

DEADLINE_S = 150
"""How long what is asked for may wait for the node, in seconds."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A service with one node and two masters."""
    folder = tmp_path_factory.mktemp("m")
    made = Service(folder / "service")
    made.environment["CELLAR_CHAT_DEADLINE_S"] = str(DEADLINE_S)
    with running(made) as service:
        service.manage("node-add", "cellar-7")
        token = folder / "token-b"
        service.manage("master-token", "master-b", "--file", str(token))
        first = Master(folder / "a", service.url, service.token_file)
        (folder / "b").mkdir()
        with running(first):
            second = Master(folder / "b", service.url, token, name="master-b", twin=first)
            ports = [f"127.0.0.1:{master.ports['ret_port']}" for master in (first, second)]
            minion = Minion(folder / "n", "cellar-7", first, masters=ports, master_alive_interval=10)
            second.accept("cellar-7", minion.folder / "pki" / "minion.pub")
            with running(second), running(minion):
                minion.wait()
                yield {"service": service, "masters": [first, second], "minion": minion}


def ask(client, number, file):
    """Asks for a word to be written down; None when the service did not say yes."""
    told = {"command": "note-down", "arguments": {"file": str(file), "word": f"w{number}"}, "selector": ""}
    try:
        return client.run(told)["id"]
    except SaltcellarError:
        return None


def disturb(place, chance):
    """Kills or freezes one of the masters, or kills the minion, and brings it back after a while."""
    victim = chance.choice([*place["masters"], place["minion"]])
    if victim is place["minion"] or chance.random() < 0.5:
        victim.kill()
        time.sleep(chance.uniform(0.5, 3))
        victim.start()
    else:
        victim.signal(signal.SIGSTOP)
        time.sleep(chance.uniform(1, 25))
        victim.signal(signal.SIGCONT)


def test_masters_killed_and_frozen_leave_every_job_in_a_named_state_and_run_none_twice(place):
    chance = random.Random(SEED)
    client = Client(place["service"].url, str(place["service"].token_file), actor="tester")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        file = folder / "words"
        file.touch(mode=0o666)
        file.chmod(0o666)
        asked = {}
        for number in range(JOBS):
            job = ask(client, number, file)
            if job is not None:
                asked[job] = f"w{number}"
            if number % 8 == 4:
                disturb(place, chance)
            time.sleep(chance.uniform(0, 0.3))
        ended = {
            job: until(lambda job=job: over(client, job), DEADLINE_S + 120, f"{job} ends (seed {SEED})")
            for job in asked
        }
        written = Counter(file.read_text().split())
    print(Counter(told["state"] for told in ended.values()), f"of {len(asked)}; seed {SEED}")
    assert not [word for word, times in written.items() if times > 1], f"seed {SEED}: {written}"
    for job, told in ended.items():
        if told["state"] == "succeeded":
            assert written[asked[job]] == 1, f"seed {SEED}: {told}"
        else:
            assert told["error"], f"seed {SEED}: {told}"
    assert sum(told["state"] == "succeeded" for told in ended.values()) > JOBS / 2, f"seed {SEED}: {ended}"


def over(client, job):
    """The job, once it is over."""
    told = client.command_job(job)["job"]
    return told if told["state"] in OVER else None
