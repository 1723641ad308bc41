"""Commands that programs run with tokens made for them in chat."""

from typing import Any

import pytest
from chatting import begin, chat, claim_all, finish, scene
from flask.testing import FlaskClient
from pouring import OWNER, owner

from pillar_service.store.jobs import jobs
from pillar_service.usecases.meeseeks import tokens
from pillar_service.usecases.people import tokens as persons_tokens

PASSWORD = "long enough 1"


@pytest.fixture
def program(visitor: FlaskClient) -> FlaskClient:
    """A program with a token for `say`."""
    scene()
    return with_token(visitor, str(tokens.make(chat(), "say -l disk=ssd")["secret"]))


def with_token(client: FlaskClient, secret: str) -> FlaskClient:
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def test_a_program_runs_its_command_and_sees_what_came_of_it(program: FlaskClient) -> None:
    headers = {"Idempotency-Key": "1"}
    asked = [program.post("/api/meeseeks/run", json={"arguments": {"text": "hi"}}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [202, 202]
    job = asked[0].json["job"]
    assert asked[1].json["job"] == job
    assert (job["command"], job["node"], job["state"]) == ("say", "cellar-1", "queued")
    assert "actor" not in job
    [run] = claim_all()
    begin(run)
    finish(run)
    told = program.get(f"/api/meeseeks/jobs/{job['id']}").json
    assert (told["job"]["state"], told["parts"], told["lines"]) == ("succeeded", [], [])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"arguments": {"text": "hi"}, "command": "any"}, 422), ({"arguments": {"text": "hi"}, "selector": ""}, 422),
        ({"arguments": {"text": ["hi"]}}, 422), ({"arguments": {}}, 422), ({"arguments": "text=hi"}, 422),
        ({"arguments": {"text": "hi", "x": 1}}, 422), ({"arguments": {"text": "a\nb"}}, 422), ([], 422), (None, 422),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_sentence_and_runs_nothing(program: FlaskClient, sent: Any, status: int) -> None:
    answer = program.post("/api/meeseeks/run", json=sent)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json["detail"]
    assert jobs.of_commands(None, 9) == []


def test_another_token_opens_nothing_here_nor_this_one_anything_else(
    program: FlaskClient, visitor: FlaskClient
) -> None:
    for path in ("/agents", "/tokens", "/jobs", "/account"):
        assert program.get(path).status_code in (401, 302), path
    owner()
    session = persons_tokens.sign_in(OWNER, PASSWORD, None, "127.0.0.1")["secret"]
    for secret in (session, "x", ""):
        other = with_token(visitor, secret)
        assert other.post("/api/meeseeks/run", json={}).status_code == 401
        assert other.get(f"/api/meeseeks/jobs/{'f' * 16}").status_code == 401
    assert jobs.of_commands(None, 9) == []


def test_a_token_in_an_address_is_refused(program: FlaskClient) -> None:
    assert program.post("/api/meeseeks/run?token=x", json={"arguments": {"text": "hi"}}).status_code == 401


def test_the_description_says_which_token_it_takes(visitor: FlaskClient) -> None:
    told = visitor.get("/openapi.json").json
    assert told["paths"]["/api/meeseeks/run"]["post"]["security"] == [{"command": []}]
    assert "command" in told["components"]["securitySchemes"]
    assert "Needs a token for a command." in visitor.get("/api").text
