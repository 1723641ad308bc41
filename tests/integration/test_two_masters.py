"""Two masters for the same nodes, with everything killed at random: all jobs end, are reported, and run only once.

``CELLAR_TEST_JOBS`` is how many jobs `make campaigns` asks for, half of them in Slack (200; `make test-slow` asks for 16);
``CELLAR_TEST_SEED`` repeats the moments of a run.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from daemons import Daemon, Service, running, until
from salt_daemons import Master, Minion
from twins import twins

sys.path.insert(0, str(Path(__file__).parent.parent))  # for fakes/

from fakes.slack import Slack

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.jobs.jobs import OVER
from pillar_service.master.client import Client

FEW, MANY = 16, int(os.environ.get("CELLAR_TEST_JOBS", "200"))
SEED = int(os.environ.get("CELLAR_TEST_SEED", str(random.randrange(10**6))))

PER_ROUND = 6
"""How many jobs are asked for around each thing that goes wrong."""

DEADLINE_S = 150
"""How many seconds a job may wait for its node."""

ANN = "T01/U01"


class Chat(Daemon):
    """The service's chat process."""

    def __init__(self, service: Service) -> None:
        command = [sys.executable, "-m", "pillar_service.chatops"]
        super().__init__("chat", command, service.folder, service.environment)


@pytest.fixture(scope="module")
def slack():
    """A fake Slack twenty times as fast, which for twenty seconds redelivers what nobody acknowledges."""
    fake = Slack(rate_s=0.05, burst=3)
    fake.workspace.team = "T01"
    fake.delivering.retries_s = (1.0, 4.0, 15.0)
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory, slack):
    """A service with its chat process, one node and two masters."""
    folder = tmp_path_factory.mktemp("m")
    made = Service(folder / "service")
    made.environment |= {"CELLAR_CHAT_DEADLINE_S": str(DEADLINE_S), "CELLAR_CHAT_JOBS_MOST": "1000"}
    told = {"BOT_TOKEN": slack.bot_token, "SIGNING_SECRET": slack.secret, "URL": slack.url}
    made.environment |= {f"CELLAR_SLACK_{name}": value for name, value in told.items()}
    slack.delivers_to(f"{made.public_url}/slack")
    with running(made) as service, running(Chat(made)) as chat:
        service.manage("node-add", "cellar-7")
        with twins(folder, service, "cellar-7") as (masters, minion):
            yield Place(service, chat, masters, minion, slack)


@dataclass
class Place:
    """Everything that can be killed, and Slack."""

    service: Service
    chat: Chat
    masters: tuple[Master, Master]
    minion: Minion
    slack: Slack

    def ruin(self, what: str, chance: random.Random) -> None:
        """Lets one thing go wrong, and brings it back after a while."""
        if what == "a master is frozen":
            master = chance.choice(self.masters)
            master.signal(signal.SIGSTOP)
            time.sleep(chance.uniform(1, 25))
            master.signal(signal.SIGCONT)
        elif what == "a dispatcher is killed":  # Its master starts it again.
            until(chance.choice(self.masters).dispatcher, 60, "the master has a dispatcher").kill()
        else:
            victims = {"the service": [self.service, self.chat], "the minion": [self.minion]}
            these = victims.get(what.removesuffix(" is killed")) or [chance.choice(self.masters)]
            for one in these:
                one.kill()
            time.sleep(chance.uniform(0.5, 3))
            for one in these:
                one.start()

    def jobs(self, file: Path) -> list[dict]:
        """Every job in the database that writes into this file, with its thread in Slack."""
        wanted = (
            "SELECT j.id, j.state, j.error, j.arguments, c.thread FROM job j LEFT JOIN conversation c ON c.job = j.id"
        )
        with closing(sqlite3.connect(f"file:{self.service.folder}/cellar.db?mode=ro", uri=True)) as database:
            found = database.execute(f"{wanted} WHERE j.command = 'note-down'").fetchall()
        names = ("id", "state", "error", "arguments", "thread")
        told = [dict(zip(names, row, strict=True)) | json.loads(row[3]) for row in found]
        return [job for job in told if job["file"] == str(file)]


RUINS = (
    "a master is killed",
    "a master is frozen",
    "a dispatcher is killed",
    "the service is killed",
    "the minion is killed",
)


@dataclass
class Asked:
    """What was asked for and acknowledged: words by job id, and words by Slack thread."""

    place: Place
    file: Path
    chance: random.Random
    jobs: dict[str, str] = field(default_factory=dict)
    threads: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def some(self) -> None:
        """Asks several times, every other time in Slack."""
        client = Client(self.place.service.url, str(self.place.service.token_file), actor="tester")
        for _ in range(PER_ROUND):
            self.count += 1
            word = f"w{self.count}"
            self._in_slack(word) if self.count % 2 else self._at_the_master(client, word)
            time.sleep(self.chance.uniform(0, 1))

    def _at_the_master(self, client: Client, word: str) -> None:
        told = {"command": "note-down", "arguments": {"file": str(self.file), "word": word}, "selector": ""}
        try:
            self.jobs[client.run(told)["id"]] = word
        except SaltcellarError:
            return  # What was not acknowledged does not count.

    def _in_slack(self, word: str) -> None:
        slack = self.place.slack
        thread = slack.user(ANN).mentions(f"note-down file={self.file} word={word}")
        if slack.delivering.acks[-1].status == 200:
            self.threads[thread] = word


@pytest.mark.parametrize(
    "count", [pytest.param(FEW, marks=pytest.mark.slow), pytest.param(MANY, marks=pytest.mark.campaign)]
)
def test_whatever_is_killed_and_frozen_every_job_ends_is_told_and_runs_once(place, count):
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        file = Path(name) / "words"
        file.touch()
        file.chmod(0o666)
        asked = Asked(place, file, random.Random(SEED + 1))
        for number in range(max(len(RUINS), count // PER_ROUND)):
            asking = threading.Thread(target=asked.some)
            asking.start()
            time.sleep(chance.uniform(0, 2))
            place.ruin(RUINS[number % len(RUINS)], chance)
            asking.join()
        jobs = ended(place, file)
        written = Counter(file.read_text().split())
    print(Counter(job["state"] for job in jobs), f"of {asked.count} asked for; seed {SEED}")
    runs_once(asked, jobs, written)
    told_in_slack(place.slack, asked, jobs)


def ended(place, file):
    """Waits until all jobs are over, and returns them."""
    until(lambda: all(job["state"] in OVER for job in place.jobs(file)), DEADLINE_S + 150, f"all end (seed {SEED})")
    return place.jobs(file)


def runs_once(asked, jobs, written):
    """Every acknowledged job exists; each that succeeded ran once, none ran twice, and each that failed says why."""
    assert not [word for word, times in written.items() if times > 1], f"seed {SEED}: {written}"
    assert {job["id"] for job in jobs} >= set(asked.jobs), f"seed {SEED}"
    words = Counter(job["word"] for job in jobs)
    assert [word for word in asked.threads.values() if words[word] != 1] == [], f"seed {SEED}: {words}"
    for job in jobs:
        if job["state"] == "succeeded":
            assert written[job["word"]] == 1, f"seed {SEED}: {job}"
        else:
            assert job["error"], f"seed {SEED}: {job}"
    assert sum(job["state"] == "succeeded" for job in jobs) > len(jobs) / 2, f"seed {SEED}: {jobs}"


def told_in_slack(slack, asked, jobs):
    """Each thread has one message of its job, which shows how it ended, and one answer."""
    by_word = {job["word"]: job for job in jobs}

    def told(thread):
        found = [one for one in slack.messages() if one.get("thread_ts") == thread]
        return len(found) >= 2 and f"{by_word[asked.threads[thread]]['state']}, job" in str(found[0])

    for thread, word in asked.threads.items():
        until(lambda thread=thread: told(thread), 120, f"{word} is told (seed {SEED})")
    for thread, word in asked.threads.items():
        _, *answers = [one for one in slack.messages() if one.get("thread_ts") == thread]
        job = by_word[word]
        assert len(answers) == 1, f"seed {SEED}: {answers}"
        assert "<@U01>" in str(answers[0]), f"seed {SEED}: {answers}"
        assert ("All done!" in str(answers[0])) is (job["state"] == "succeeded"), f"seed {SEED}: {job} {answers}"
