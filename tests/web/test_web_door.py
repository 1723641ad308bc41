"""The nodes' door for commands: a job begins once, lines come once and bounded, capacities; for a node's own jobs only."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pillar_service.core.people import tokens
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs, outputs
from pillar_service.store.nodes import nodes
from pillar_service.usecases.jobs import endings, executing, parts
from pillar_service.usecases.jobs import jobs as asking
from pillar_service.usecases.nodes import nodes as registry


def made(node: str = "cellar-1", state: str = "running", id: str | None = None, **more: Any) -> str:
    """A published job of a command."""
    id, now = id or secrets.token_hex(8), time.time()
    secret = executing.sealed(more.get("parent") or id, {"key": "canary-1"})
    plan = {"function": "meeseeks.run", "arguments": ["x", {}], "keywords": {}, "leading": [], "is_guarded": True}
    plan |= {"timeout_s": 60, "retry_safe": False, "secrets": secret, "redact": ["hunter[0-9]"]}
    columns = {
        "attempts": 1,
        "arguments": {},
        "actor": "test",
        "fingerprint": "x",
        "created_at": now,
        "not_before": now,
    }
    with transaction():
        jobs.add(id=id, command="x", node=node, state=state, plan=plan, **columns | more)
    return id


@pytest.fixture
def other(public_app: Flask, service: Callable[[], None]) -> FlaskClient:
    """Another node at the door."""
    registry.add("test", "cellar-2")
    client = public_app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {tokens.node_token(str(public_app.secret_key), 'cellar-2')}"
    return client


def begin(client: FlaskClient, job: str, attempt: object = 1) -> Any:
    return client.post(f"/jobs/{job}/begin", json={"attempt": attempt})


def send(client: FlaskClient, job: str, *told: tuple[int, str], attempt: int = 1) -> Any:
    lines = [{"n": n, "stream": "stdout", "text": text} for n, text in told]
    return client.post(f"/jobs/{job}/lines", json={"attempt": attempt, "lines": lines})


def texts(job: str) -> list[str]:
    return [line.text for line in outputs.lines(job)]


def test_an_attempt_begins_once_and_brings_its_secrets(node: FlaskClient) -> None:
    job = made()
    first = begin(node, job)
    assert (first.status_code, first.json) == (200, {"arguments": {"key": "canary-1"}})
    again = begin(node, job)
    assert again.status_code == 409
    assert "canary" not in again.text
    jobs.move(job, "running", "running", attempts=2)
    assert begin(node, job, 1).status_code == 409
    assert begin(node, job, 2).status_code == 200


@pytest.mark.parametrize("state", ["queued", "claimed", "succeeded", "failed", "cancelled", "timed_out", "lost"])
def test_what_does_not_run_does_not_begin(node: FlaskClient, state: str) -> None:
    assert begin(node, made(state=state)).status_code == 409


def test_a_node_speaks_of_its_own_jobs_alone(node: FlaskClient, other: FlaskClient) -> None:
    job = made()
    assert begin(other, job).status_code == 404
    assert begin(node, job).status_code == 200
    assert send(other, job, (1, "forged")).status_code == 404
    assert texts(job) == []


@pytest.mark.parametrize("attempt", [0, -1, "x", None, 1.5, True, 10**9])
def test_an_attempt_is_a_number(node: FlaskClient, attempt: object) -> None:
    assert begin(node, made(), attempt).status_code == 422


def test_a_parts_secrets_are_sealed_for_the_whole(node: FlaskClient) -> None:
    whole = made(node=None, parts=1)
    assert begin(node, made(parent=whole)).json == {"arguments": {"key": "canary-1"}}


def test_secrets_are_forgotten_when_the_job_is_over(node: FlaskClient) -> None:
    job, queued, whole = made(), made(state="queued"), made(node=None, parts=1)
    part = made(parent=whole)
    with transaction():
        endings.end(executing.jobs.find(job), endings.JobState.FAILED, "It failed.", time.time())
        endings.end(executing.jobs.find(part), endings.JobState.FAILED, "It failed.", time.time())
    asking.cancel("test", queued)
    for id in (job, queued, part, whole):
        found = jobs.find(id)
        assert found
        assert "secrets" not in found.plan, found.state
    assert parts.place(jobs.find(part)) == "cellar-1"


def test_secrets_that_were_moved_to_another_job_open_nothing(node: FlaskClient) -> None:
    job, thief = made(), made()
    stolen = jobs.find(job).plan["secrets"]
    jobs.move(thief, "running", "running", plan=jobs.find(thief).plan | {"secrets": stolen})
    answer = begin(node, thief)
    assert answer.status_code == 500
    assert "canary" not in answer.text


def test_lines_are_kept_once_whatever_is_sent_again(node: FlaskClient) -> None:
    job = made()
    begin(node, job)
    assert send(node, job, (1, "a"), (2, "b")).json == {"taken": 2}
    assert send(node, job, (1, "a"), (2, "b"), (3, "c")).json == {"taken": 3}
    assert send(node, job, (2, "b")).json == {"taken": 3}
    assert send(node, job).json == {"taken": 3}
    assert texts(job) == ["a", "b", "c"]
    jobs.move(job, "running", "running", attempts=2)
    begin(node, job, 2)
    assert send(node, job, (1, "again"), attempt=2).json == {"taken": 1}
    assert [(line.n, line.text, line.stream) for line in outputs.lines(job)][2:] == [
        (3, "c", "stdout"),
        (4, "again", "stdout"),
    ]


def test_lines_come_only_of_what_began_and_not_for_ever(node: FlaskClient) -> None:
    job = made()
    assert send(node, job, (1, "a")).status_code == 409
    begin(node, job)
    assert send(node, job, (1, "a"), attempt=2).status_code == 409
    jobs.move(job, "running", "failed", ended_at=time.time())
    assert send(node, job, (1, "late")).json == {"taken": 1}
    jobs.move(job, "failed", "failed", ended_at=time.time() - executing.LATE_S - 1)
    assert send(node, job, (2, "too late")).status_code == 409


@pytest.mark.parametrize(
    "lines",
    [
        None,
        "x",
        [1],
        [{"n": 1}],
        [{"n": 0, "stream": "stdout", "text": ""}],
        [{"n": 1, "stream": "other", "text": ""}],
        [{"n": 1, "stream": "stdout", "text": 1}],
        [{"n": 2, "stream": "stdout", "text": ""}, {"n": 2, "stream": "stdout", "text": ""}],
        [{"n": n, "stream": "stdout", "text": ""} for n in range(1, 1002)],
    ],
)
def test_what_are_no_lines_is_refused(node: FlaskClient, lines: object) -> None:
    job = made()
    begin(node, job)
    assert node.post(f"/jobs/{job}/lines", json={"attempt": 1, "lines": lines}).status_code == 422
    assert texts(job) == []


def test_what_a_node_sends_is_made_harmless_and_redacted_once_more(node: FlaskClient) -> None:
    job = made()
    begin(node, job)
    sent = ["a\x00b\x1b[31m", "\ud800", "tab\t", "my hunter2", "host:8008:@abc=.ed25519~seed=", "x" * 20_000]
    assert send(node, job, *enumerate(sent, 1)).status_code == 200
    assert texts(job) == ["a�b�[31m", "�", "tab\t", "my (hidden)", "(hidden)", "x" * executing.LONGEST]


@pytest.mark.parametrize(("name", "most", "left"), [("JOB_LINES", "5", 5), ("JOB_BYTES", "55", 5)])
def test_beyond_the_bound_lines_are_counted(
    node: FlaskClient, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, name: str, most: str, left: int
) -> None:
    monkeypatch.setenv(f"CELLAR_{name}", most)
    service()
    job = made()
    begin(node, job)
    for first in (1, 4, 7):
        taken = send(node, job, *((n, f"{n:010}") for n in range(first, first + 3))).json
        assert taken == {"taken": first + 2}
    assert texts(job) == [f"{n:010}" for n in range(1, 6)]
    assert sum(one.dropped for one in outputs.of_job(job)) == 9 - left
    send(node, job, (10, "x"))
    assert len(texts(job)) == 5


def test_ten_thousand_lines_a_second_can_be_kept(node: FlaskClient) -> None:
    job = made()
    begin(node, job)
    began = time.monotonic()
    for first in range(1, 10_001, 500):
        assert (
            send(node, job, *((n, f"line {n} of a command's output") for n in range(first, first + 500))).status_code
            == 200
        )
    took = time.monotonic() - began
    assert len(texts(job)) == 10_000
    assert took < 3, took  # a wide margin; the benchmark measures how fast it is


def test_a_node_tells_what_it_has(node: FlaskClient) -> None:
    answer = node.post("/capacities", json={"has": ["python3", "docker", "docker"], "slots": 8})
    assert answer.status_code == 200
    assert nodes.find("cellar-1").capacities == {"has": ["docker", "python3"], "slots": 8}


@pytest.mark.parametrize(
    "told",
    [
        {"has": "x", "slots": 1},
        {"has": ["../x"], "slots": 1},
        {"has": [], "slots": 0},
        {"has": ["a"] * 300, "slots": 1},
    ],
)
def test_what_no_node_has_is_refused(node: FlaskClient, told: dict) -> None:
    assert node.post("/capacities", json=told).status_code == 422
    assert nodes.find("cellar-1").capacities == {}


@pytest.mark.parametrize("address", ["/jobs/0123456789abcdef/begin", "/jobs/0123456789abcdef/lines", "/capacities"])
def test_nobody_but_a_node_gets_in(visitor: FlaskClient, address: str) -> None:
    for token in (None, "x", "cellar-1:0000"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert visitor.post(address, json={}, headers=headers).status_code == 401


def test_a_nodes_pillar_has_its_labels(service: Callable[[], None]) -> None:
    import json

    from pillar_service.usecases.nodes import pillars

    with transaction():
        nodes.change("cellar-1", labels={"environment": "prd"})
        pillars.rewrite("cellar-1")
    told = json.loads(pillars.ready("cellar-1")[0])["saltcellar"]
    assert told["labels"] == {"environment": "prd"}
    assert "node-status" in told["meeseeks"]["commands"]
    assert "kube-pods" not in told["meeseeks"]["commands"]  # only for nodes labelled kubernetes
