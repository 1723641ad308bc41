"""Metrics of the real server with real workers, checked by Prometheus' own promtool."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyotp
import pytest
import requests
from flask.testing import FlaskClient
from pouring import bot, carry_out, owner
from processes import Process, served
from prometheus_client import REGISTRY

from pillar_service.catalogue import commands
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import NotFound, TooMany, Unauthenticated
from pillar_service.core.names import new_id
from pillar_service.metrics import counting, families
from pillar_service.metrics.families import COUNTED, READ, Family, Kind
from pillar_service.node.executor import entries
from pillar_service.store import database
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs as rows
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.nodes import standings
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.people import codes, second_factor
from pillar_service.usecases.service import measuring

DOCS = Path(__file__).parent.parent.parent / "docs" / "operate.md"
MISSING = "These tests need Prometheus' own promtool: run `apt-get install prometheus` (vagrant/packages.sh test does)."


def value(text: str, name: str, **labels: str) -> float:
    """The sum of a metric's samples with these labels."""
    found = re.findall(rf"^{name}(?:{{(.*?)}})? (\S+)$", text, re.MULTILINE)
    wanted = [f'{key}="{said}"' for key, said in labels.items()]
    return sum(float(number) for had, number in found if all(one in had for one in wanted))


def metrics(process: Process) -> str:
    answer = requests.get(f"{process.url}/metrics", timeout=5)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.text


def until(look: Callable[[], bool]) -> None:
    for _ in range(200):
        if look():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come so")


def workers_of(server: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{server}/task/{server}/children").read_text().split()]


def test_counters_add_up_over_workers_and_survive_the_death_of_one(process: Process, tmp_path: Path) -> None:
    session = served(process, tmp_path)
    session.post(f"{process.url}/agents", json={"type": "person", "email": "ann@example.org"})
    folder = tmp_path / "metrics" / "private"

    def pour(first: int, last: int) -> None:
        for n in range(first, last):
            told = {"type": "bot", "name": f"b{n}", "account": "ann@example.org"}
            headers = {**session.headers, "Connection": "close"}
            assert requests.post(f"{process.url}/agents", json=told, headers=headers, timeout=5).status_code == 201

    made = 0
    while len(list(folder.glob("counter_*.db"))) < 2:  # until both workers have counted
        pour(made, made + 3)
        made += 3
        assert made < 20
    assert value(metrics(process), "cellar_jobs_received_total", command="bots.create", app="private") == made
    until(lambda: value(metrics(process), "cellar_workers") == 2)  # a worker's files are there before it counts itself
    assert process.server is not None
    before = workers_of(process.server.pid)
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(set(workers_of(process.server.pid)) - set(before)) == 1)  # type: ignore[union-attr]
    until(lambda: value(metrics(process), "cellar_workers") == 2)
    assert value(metrics(process), "cellar_jobs_received_total", command="bots.create") == made
    if made < 19:
        pour(made, made + 1)
        assert value(metrics(process), "cellar_jobs_received_total", command="bots.create") == made + 1
    checked(metrics(process))
    process.kill(signal.SIGTERM)
    process.serve()
    assert value(metrics(process), "cellar_jobs_received_total") == 0


def checked(text: str) -> None:
    """Check the metrics with promtool."""
    promtool = shutil.which("promtool")
    assert promtool, MISSING
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "FRESH_S", -1.0)


@pytest.mark.usefixtures("fresh")
def test_what_the_database_knows_is_told(master: FlaskClient) -> None:
    owner()
    bot("my")
    text = master.get("/metrics").text
    assert value(text, "cellar_jobs", state="queued") == 1
    assert 0 <= value(text, "cellar_queue_age_seconds") < 60
    assert value(text, "cellar_nodes", state="never") == 1
    assert value(text, "cellar_bots", state="provisioning") == 1
    carry_out("one")
    text = master.get("/metrics").text
    assert value(text, "cellar_jobs", state="queued") == 0
    assert value(text, "cellar_bots", state="alive") == 1
    assert (value(text, "cellar_lease_held", holder="one"), value(text, "cellar_lease_fence")) == (1, 1)
    assert value(text, "cellar_build_info") == 1
    assert value(text, "cellar_outbox_messages", to="mail") == 0
    checked(text)


@pytest.mark.usefixtures("fresh")
def test_what_waits_for_a_node_that_is_away_does_not_make_the_queue_old(master: FlaskClient) -> None:
    owner()
    bot("my")
    with transaction():
        database.db.execute_sql("UPDATE job SET created_at = created_at - 1000")
    assert value(master.get("/metrics").text, "cellar_queue_age_seconds") >= 1000
    away = {"state": "away", "is_away": True, "since": 0, "penalty": 0, "penalty_at": 0}
    with transaction():
        standings.put(None, "cellar-1", away)
    assert value(master.get("/metrics").text, "cellar_queue_age_seconds") == 0


def test_it_needs_no_token_and_tells_no_name(master: FlaskClient) -> None:
    owner()
    bot("canary")
    text = master.application.test_client().get("/metrics").text
    assert "cellar_build_info" in text
    assert "canary" not in text
    assert "example.org" not in text


def test_the_first_counts_may_come_at_once() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for n in range(20):
                family = Family(f"test_first_{n}_total", Kind.COUNTER, ("what",), "A test's.")
                start = threading.Barrier(8)
                told = [pool.submit(lambda f=family, b=start: (b.wait(30), counting.count(f, "x"))) for _ in range(8)]
                assert [one.exception(30) for one in told] == [None] * 8
    finally:
        sys.setswitchinterval(before)


def counted(name: str, **labels: str) -> float:
    """This process' count of a metric."""
    return REGISTRY.get_sample_value(name, labels) or 0


def test_a_count_is_of_what_was_committed(service: Callable[[], None]) -> None:
    owner()
    before = counted(families.RECEIVED.name, command="bots.create")

    def half() -> None:
        with transaction():
            bot("my")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert counted(families.RECEIVED.name, command="bots.create") == before
    bot("my")
    assert counted(families.RECEIVED.name, command="bots.create") == before + 1


def took() -> dict[tuple[str, str], float]:
    """How many jobs have had their duration measured, by command and result."""
    name = f"{families.DURATION.name}_count"
    told = [one for family in REGISTRY.collect() for one in family.samples if one.name == name]
    return {(one.labels["command"], one.labels["result"]): one.value for one in told}


def test_how_long_a_job_took_is_told_by_command_and_result(service: Callable[[], None]) -> None:
    before, created = took(), ("bots.create", "succeeded")
    owner()
    bot("my")
    carry_out()
    once = {**before, created: before.get(created, 0) + 1}
    assert took() == once
    jobs.cancel("test", jobs.submit("test", "bots.restart", "my")["job"]["id"])
    assert took() == once  # it never ran


def test_each_code_counts_as_what_became_of_it(service: Callable[[], None]) -> None:
    person, outcomes = owner(), ("taken", "wrong", "locked_out")
    before = [counted(families.OTP.name, outcome=one) for one in outcomes]
    second_factor.begin(person, "long enough 1")
    waiting = second_factor.pending(person)
    assert waiting is not None
    second_factor.turn_on(person, pyotp.TOTP(waiting["secret"]).now())
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            codes.check(person, "000000")
    with pytest.raises(TooMany):
        codes.check(person, "000000")
    more = [counted(families.OTP.name, outcome=one) - had for one, had in zip(outcomes, before, strict=True)]
    assert more == [1, 10, 1]


@pytest.mark.usefixtures("fresh")
def test_a_scrape_costs_the_same_few_statements_at_any_backlog(
    master: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    execute = database.db.execute_sql
    monkeypatch.setattr(database.db.obj, "execute_sql", lambda sql, *given: asked.append(sql) or execute(sql, *given))
    before, few = value(master.get("/metrics").text, "cellar_jobs", state="queued"), len(asked)
    backlog(20_000)
    asked.clear()
    began = time.monotonic()
    text = master.get("/metrics").text
    took_s = time.monotonic() - began
    assert value(text, "cellar_jobs", state="queued") == before + 20_000
    assert len(asked) <= few
    assert took_s < 5, "some 30 ms on a machine that has nothing else to do"
    assert len(text) < 100_000


def backlog(count: int) -> None:
    """Queue so many jobs for their node."""
    now = time.time()
    with transaction():
        for first in range(0, count, 1_000):
            rows.add_queued(
                Job(
                    id=new_id(), parent=None, command="say", node="cellar-1", arguments={}, plan={}, priority=5, at_most=None,
                    deadline_at=now, actor="test", fingerprint="x", created_at=now, not_before=now,
                )
                for _ in range(first, first + 1_000)
            )  # fmt: skip


def test_a_refusal_counts_once_however_often_it_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[object, ...]] = []
    monkeypatch.setattr(measuring.counting, "count", lambda *said: counted.append(said))

    @measuring.counts_refusals
    @measuring.counts_refusals
    def refuse() -> None:
        raise NotFound("No.")

    with pytest.raises(NotFound):
        refuse()
    assert counted == [(families.REJECTED, NotFound.title)]


def test_names_units_and_buckets_are_as_prometheus_wants_them() -> None:
    for family in (*COUNTED, *READ):
        assert family.name.startswith("cellar_")
        assert family.name.endswith("_total") == (family.kind is families.Kind.COUNTER)
    assert families.BUCKETS[0] == 0.1
    assert families.BUCKETS[-1] >= max(DAY_S, commands.LONGEST_S, entries.LONGEST_S)  # no command may take longer


def test_the_page_tells_of_every_metric_and_no_other() -> None:
    told = dict(re.findall(r"^\| `(cellar_\w+)` \| ([^|]*) \|", DOCS.read_text(), re.MULTILINE))
    assert set(told) == {family.name for family in (*COUNTED, *READ)}
    for family in (*COUNTED, *READ):
        own = (*family.labels, *(["app"] if family in COUNTED else []))
        assert set(re.findall(r"`(\w+)`", told[family.name])) == set(own)
