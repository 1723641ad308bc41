"""Following a job to its end, at the wire."""

import json
import re

import pytest
from wire_service import answer, served

from pillar_service.core.errors import Failed, NotFound
from pillar_service.master import following
from pillar_service.master.client import Client

JOB = {"id": "1f2e3d4c5b6a7988", "state": "running", "error": None, "result": None}


@pytest.fixture
def client_of(tmp_path):
    """A client of a service at an address."""
    file = tmp_path / "token"
    file.write_text("the-secret-token\n")
    return lambda service: Client(service.url, str(file))


def telling(*answers):
    """What the service answers, one after the other; of a list of lines those after the one that was asked for."""
    left = list(answers)

    def act(connection, request):
        told = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(told, str):
            answer(told)(connection, request)
            return
        after = int(re.search(rb"after=(\d+)", request)[1])
        lines = [line for line in told["lines"] if line["n"] > after]
        answer("200 OK", json.dumps(told | {"lines": lines}).encode())(connection, request)

    return act


def told(state="running", places=(), **lines):
    """A job of a command with these places and the count of lines that each has."""
    parts = [{"node": place, "result": f"of {place}"} for place in places]
    said = [
        {"place": place, "n": n, "text": f"line {n}"} for place, count in lines.items() for n in range(1, count + 1)
    ]
    return {"job": JOB | {"state": state, "error": "It broke."}, "parts": parts, "lines": said}


def test_a_place_that_speaks_late_is_heard_from_its_first_line(client_of, capsys):
    places = ("one", "two")
    answers = (told(places=places, one=3), told(places=places, one=3), told("succeeded", places, one=4, two=2))
    with served(telling(*answers)) as service:
        came = following.followed(client_of(service), JOB)
    assert came == {"job": JOB["id"], "result": None, "places": {"one": "of one", "two": "of two"}}
    shown = capsys.readouterr().err.splitlines()
    assert shown == [f"one: line {n}" for n in (1, 2, 3, 4)] + ["two: line 1", "two: line 2"]


def test_a_bots_job_is_followed_through_an_outage_and_its_failure_told(client_of, capsys):
    answers = (told(only=1), "503 Service Unavailable", told("failed", only=2))
    with served(telling(*answers)) as service, pytest.raises(Failed, match="It broke"):
        following.finished(client_of(service), JOB)
    assert capsys.readouterr().err == "line 1\nline 2\n"


def test_why_a_job_waits_is_said_once(client_of, capsys):
    waiting = told("queued") | {"job": JOB | {"state": "queued", "waits": "No master asks for jobs."}}
    with served(telling(waiting, waiting, told("succeeded", only=1))) as service:
        following.finished(client_of(service), JOB)
    assert capsys.readouterr().err == "No master asks for jobs.\nline 1\n"


def test_a_no_for_good_ends_it_at_once(client_of):
    with served(telling("404 Not Found")) as service, pytest.raises(NotFound):
        following.followed(client_of(service), JOB)


def test_what_is_over_is_not_asked_for(client_of):
    with served(telling("404 Not Found")) as service:
        assert following.finished(client_of(service), JOB | {"state": "succeeded"})["id"] == JOB["id"]
    assert service.requests == []
