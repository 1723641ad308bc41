"""Following a job to its end, with a fake service at the wire."""

import json
import re
import signal
import time

import pytest
from wire_service import answer, served

from pillar_service.core.errors import Failed, NotFound
from pillar_service.master import following
from pillar_service.master.client import Client

JOB = {"id": "1f2e3d4c5b6a7988", "state": "running", "error": None, "result": None}


@pytest.fixture
def client_of(tmp_path):
    """Gives a function that makes a client of a service."""
    file = tmp_path / "token"
    file.write_text("the-secret-token\n")
    return lambda service: Client(service.url, str(file))


def telling(*answers):
    """Gives these answers in turn, with only those lines that come after the one asked for."""
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
    """A command's job with these places, and so many lines of each."""
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


def test_who_is_told_to_end_says_that_the_job_goes_on(client_of):
    def ended(*_):
        raise SystemExit(1)

    before = signal.signal(signal.SIGALRM, ended)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with served(telling(told())) as service, pytest.raises(Failed, match=f"goes on: .*{JOB['id']}"):
            following.finished(client_of(service), JOB)
    finally:
        signal.signal(signal.SIGALRM, before)


class Printing:
    """A service whose job has so many lines of each place, which it tells in pages as ours does."""

    def __init__(self, most=None, **lines):
        self.lines, self.asked, self.most = lines, 0, most

    def answer(self, connection, request):
        after, self.asked = int(re.search(rb"after=(\d+)", request)[1]), self.asked + 1
        told_now = told("succeeded", tuple(self.lines), **self.lines)
        page = {
            place: [line for line in told_now["lines"] if line["place"] == place and line["n"] > after][
                : self.most or following.PAGE
            ]
            for place in self.lines
        }
        told_now["lines"] = [line for lines in page.values() for line in lines]
        told_now |= {"most": self.most} if self.most else {}  # an older service does not tell it
        answer("200 OK", json.dumps(told_now).encode())(connection, request)


LONG = {"silent": 0, "short": 3, "long": 2 * following.PAGE + 5, "even": following.PAGE}


def test_what_a_job_printed_is_told_to_its_last_line(client_of):
    printing = Printing(**LONG)
    with served(printing.answer) as service:
        lines = list(following.printed(client_of(service), JOB["id"]))
    for place, count in LONG.items():
        assert [line["n"] for line in lines if line["place"] == place] == list(range(1, count + 1))
    assert printing.asked == 3


def test_a_service_that_tells_fewer_lines_at_once_is_asked_more_often(client_of):
    printing = Printing(most=10, one=25, other=5)
    with served(printing.answer) as service:
        lines = list(following.printed(client_of(service), JOB["id"]))
    assert len(lines) == 30
    assert printing.asked == 3


def test_a_job_that_is_over_is_followed_to_its_last_line(client_of, capsys):
    with served(Printing(**LONG).answer) as service:
        following.followed(client_of(service), JOB)
    assert len(capsys.readouterr().err.splitlines()) == sum(LONG.values())


def test_why_a_job_waits_is_said_once(client_of, capsys):
    waiting = told("queued") | {"job": JOB | {"state": "queued", "waits": "No master asks for jobs."}}
    with served(telling(waiting, waiting, told("succeeded", only=1))) as service:
        following.finished(client_of(service), JOB)
    assert capsys.readouterr().err == "No master asks for jobs.\nline 1\n"


def test_who_is_answered_at_once_does_not_ask_again_and_again(client_of):
    running, began = told(), time.monotonic()
    with served(telling(running, running, running, told("succeeded"))) as service:
        following.finished(client_of(service), JOB)
    assert len(service.requests) == 4
    assert 3 * following.NOTHING_NEW_S <= time.monotonic() - began < 20


def test_a_no_for_good_ends_it_at_once(client_of):
    with served(telling("404 Not Found")) as service, pytest.raises(NotFound):
        following.followed(client_of(service), JOB)


def test_what_is_over_is_not_asked_for(client_of):
    with served(telling("404 Not Found")) as service:
        assert following.finished(client_of(service), JOB | {"state": "succeeded"})["id"] == JOB["id"]
    assert service.requests == []
