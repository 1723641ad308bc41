"""A job's lines for programs: a thousand at a time, or as they come."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from pouring import answer, poured
from programs import lines_of, problem

from pillar_service.usecases.people import tokens
from pillar_service.web import waiting
from pillar_service.web.api import streams
from pillar_service.web.slots import Slots


def events(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The events in a stream: id, name, data."""
    found = re.findall(r"id: (\S+)\nevent: (\S+)\ndata: (.*)\n\n", text)
    return [(id, name, json.loads(data)) for id, name, data in found]


@pytest.fixture(autouse=True)
def all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh slots, so that streams of other tests don't count."""
    monkeypatch.setattr(streams, "slots", Slots(4, 1, streams.OF_ONE_PERSON))


@pytest.fixture
def job(api: FlaskClient) -> str:
    """A running job that has written three lines; its id."""
    poured()
    id = str(api.post("/agents/my/actions/logs").json["job"]["id"])
    lines_of(id, "one", "two", "three")
    return id


STREAM = {"Accept": "text/event-stream"}


def test_the_lines_of_a_job_as_json(api: FlaskClient, job: str) -> None:
    assert [line["text"] for line in api.get(f"/jobs/{job}/lines").json["lines"]] == ["one", "two", "three"]
    assert [line["n"] for line in api.get(f"/jobs/{job}/lines?after=2").json["lines"]] == [3]


def test_many_lines_are_told_a_thousand_at_a_time(api: FlaskClient, job: str) -> None:
    lines_of(job, *[str(n) for n in range(4, 1203)])
    first = api.get(f"/jobs/{job}/lines").json
    rest = api.get(f"/jobs/{job}/lines?after={first['next']}").json
    assert (len(first["lines"]), first["next"], len(rest["lines"]), rest["next"]) == (1000, 1000, 202, None)
    answer(lines_of(job), {"lines": []})
    told = events(api.get(f"/jobs/{job}/lines", headers=STREAM).text)
    assert [data["n"] for _, name, data in told if name == "line"] == list(range(1, 1203))
    assert told[-1][:2] == ("1202.end", "end")


def test_a_stream_goes_on_where_it_broke_off_and_ends_with_the_job(api: FlaskClient, job: str) -> None:
    broken = api.get(f"/jobs/{job}/lines", headers=STREAM, buffered=False)
    assert broken.mimetype == "text/event-stream"
    parts = iter(broken.response)
    heard = events("".join(next(parts).decode() for _ in range(3)))  # the greeting and two lines
    broken.close()
    assert [data["text"] for _, _, data in heard] == ["one", "two"]
    answer(lines_of(job, "four"), {"lines": []})
    rest = events(api.get(f"/jobs/{job}/lines", headers=STREAM | {"Last-Event-ID": heard[-1][0]}).text)
    assert [data["text"] for _, name, data in rest if name == "line"] == ["three", "four"]
    assert [(id, data["state"]) for id, name, data in rest if name == "end"] == [("4.end", "succeeded")]
    almost = events(api.get(f"/jobs/{job}/lines", headers=STREAM | {"Last-Event-ID": "4"}).text)
    assert [name for _, name, _ in almost] == ["end"]
    assert api.get(f"/jobs/{job}/lines", headers=STREAM | {"Last-Event-ID": "4.end"}).status_code == 204
    for wrong in ("x", "4.", "-1", "9" * 19, "٤"):
        refused = api.get(f"/jobs/{job}/lines", headers=STREAM | {"Last-Event-ID": wrong.encode().decode("latin-1")})
        assert problem(refused, 422)


def test_a_silent_stream_says_that_it_lives_and_ends_with_its_time(
    api: FlaskClient, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(streams, "LONGEST_S", 2.0)
    text = api.get(f"/jobs/{job}/lines", headers=STREAM).text
    assert text.count(": still here") >= 2
    assert "event: end" not in text


def test_a_stream_ends_with_the_token_that_asked(
    api: FlaskClient, job: str, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    open_one = iter(api.get(f"/jobs/{job}/lines", headers=STREAM, buffered=False).response)
    while b"still here" not in next(open_one):
        pass
    for token in tokens.listed(person):
        tokens.revoke(person, token["id"])
    assert len(list(open_one)) <= 1


def test_streams_are_few_and_give_their_place_back(api: FlaskClient, job: str) -> None:
    held = [api.get(f"/jobs/{job}/lines", headers=STREAM, buffered=False) for _ in range(streams.OF_ONE_PERSON)]
    refused = api.get(f"/jobs/{job}/lines", headers=STREAM)
    assert "too many" in problem(refused, 429).lower()
    assert refused.headers["Retry-After"] == str(streams.AGAIN_S)
    assert api.get(f"/jobs/{job}/lines").status_code == 200
    for one in reversed(held):
        one.close()
        one.close()  # closing twice gives back only one place
    assert streams.slots.held() == 0
    with api.get(f"/jobs/{job}/lines", headers=STREAM, buffered=False) as again:
        assert again.status_code == 200


def test_a_stream_whose_asker_is_gone_or_whose_server_stops_ends(
    api: FlaskClient, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = False
    monkeypatch.setattr(waiting, "asker_is_gone", lambda: gone)
    open_one = iter(api.get(f"/jobs/{job}/lines", headers=STREAM, buffered=False).response)
    for _ in range(4):
        next(open_one)
    gone = True
    start = time.monotonic()
    assert list(open_one) == []
    monkeypatch.setattr(waiting, "asker_is_gone", lambda: False)
    monkeypatch.setattr(waiting, "is_stopping", lambda: True)
    assert events(api.get(f"/jobs/{job}/lines", headers=STREAM).text) == []
    assert time.monotonic() - start < 5


def test_lines_come_while_they_are_written(address: str, api: FlaskClient, job: str) -> None:
    header = STREAM | {"Authorization": api.environ_base["HTTP_AUTHORIZATION"]}
    url = f"{address}/jobs/{job}/lines"
    with requests.get(url, headers=header, stream=True, timeout=10) as stream:
        stream.encoding = "utf-8"
        told = stream.iter_lines(chunk_size=1, decode_unicode=True)
        while "three" not in next(told):
            pass
        run = lines_of(job, "four")
        while "four" not in (line := next(told)):
            assert "one" not in line
        answer(run, {})
        assert any(line == "event: end" for line in told)


def test_whatever_comes_as_a_stream_goes_through_nginx_as_one(public_app: Flask) -> None:
    site = Path(__file__).parents[2] / "states/controlplane/files/https.conf.jinja"
    [streamed] = re.findall(r"location ~ (\S+) \{\n\s+proxy_pass http://cellar_public;", site.read_text())
    takes = {
        rule.rule
        for rule in public_app.url_map.iter_rules()
        for noun, _, view in [rule.endpoint.rpartition(".")]
        if noun.startswith("api_") and public_app.blueprints[noun].operations[view].streams  # type: ignore[attr-defined]
    }
    assert "/imports" in takes
    assert [rule for rule in takes if not re.match(streamed, rule)] == []
