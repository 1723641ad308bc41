"""What nodes told, as people see it on pages and programs in the API: only their own, and nothing twice."""

import json
import re
import time
from typing import Any

import pytest
import requests
from eventful import alive, known, told
from flask.testing import FlaskClient
from pouring import OWNER, owner
from visiting import come_as

from pillar_service.core.events.gaps import Gap, Reason
from pillar_service.core.events.submission import GAP, Priority
from pillar_service.store import database
from pillar_service.store.events import events as rows
from pillar_service.store.nodes.standings import Standing
from pillar_service.usecases.events import events, stories
from pillar_service.usecases.nodes import presence, standings
from pillar_service.usecases.people import accounts, tokens
from pillar_service.web.api import streams
from pillar_service.web.slots import Slots

STREAM = {"Accept": streams.EVENTS}
LOST = Gap(1, 3, 4, 2, Reason.FULL, "default", Priority.NORMAL)


@pytest.fixture
def api(visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Ann's program; her node has told some events, and somebody else's node one."""
    known("ann-1", owner())
    known("bob-1", owner("bob@example.org"))
    batch = [told(1, node="ann-1"), told(2, node="ann-1", subject="<b>"), told(5, GAP, "ann-1", data=LOST.data())]
    events.take("ann-1", [*batch, told(7, node="ann-1"), alive(8, "ann-1")])
    events.take("bob-1", [told(1, node="bob-1", data="bob's")])
    monkeypatch.setattr(streams, "slots", Slots(4, 1, streams.OF_ONE_PERSON))
    secret = tokens.sign_in(OWNER, "long enough 1", None, "127.0.0.1")["secret"]
    visitor.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return visitor


def places(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.text
    assert {one["node"] for one in answer.json["events"]} <= {"ann-1"}
    return [one["sequence"] for one in answer.json["events"]]


def test_events_are_listed_with_filters_and_a_cursor(api: FlaskClient) -> None:
    assert places(api.get("/api/events")) == [8, 7, 5, 2, 1]
    assert places(api.get("/api/events?kind=gap")) == [5]
    assert places(api.get("/api/events?severity=critical")) == [5]
    assert places(api.get("/api/events?type=org.example.*&subject=x")) == [7, 1]
    assert places(api.get("/api/events?node=bob-1")) == []
    first = api.get("/api/events?limit=2")
    rest = api.get(f"/api/events?limit=9&before={first.json['next']}")
    assert (places(first), places(rest), rest.json["next"]) == ([8, 7], [5, 2, 1], None)
    since = first.json["events"][1]["n"]
    assert places(api.get(f"/api/events?after={since}")) == [8]
    for wrong in ("kind=x", "severity=x", "type=A", "limit=0", "limit=501", "before=x", "more=1", "after=-1"):
        assert api.get(f"/api/events?{wrong}").status_code == 422, wrong


def streamed(answer: Any) -> list[tuple[str, int]]:
    assert answer.status_code == 200, answer.text
    found = re.findall(r"id: (\S+)\nevent: event\ndata: (.*)\n\n", answer.text)
    answer.close()
    return [(id, json.loads(data)["sequence"]) for id, data in found]


def test_a_stream_goes_on_where_it_broke_off(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(streams, "LONGEST_S", 1.0)
    heard = streamed(api.get("/api/events?after=0", headers=STREAM))
    assert [sequence for _, sequence in heard] == [1, 2, 5, 7, 8]
    rest = api.get("/api/events", headers=STREAM | {"Last-Event-ID": heard[2][0]})
    assert ": still here" in rest.text
    assert streamed(rest) == heard[3:]
    assert streamed(api.get("/api/events", headers=STREAM)) == []  # only what comes from now on
    assert streamed(api.get("/api/events?after=0&kind=gap", headers=STREAM)) == [heard[2]]
    assert api.get("/api/events", headers=STREAM | {"Last-Event-ID": "x"}).status_code == 422


def test_events_come_as_they_are_taken(address: str, api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.1)
    header = STREAM | {"Authorization": api.environ_base["HTTP_AUTHORIZATION"]}
    url = f"{address}/api/events?type=org.example.*"
    with requests.get(url, headers=header, stream=True, timeout=20) as stream:
        stream.encoding = "utf-8"
        lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
        assert next(lines).startswith("retry")
        events.take("bob-1", [told(2, node="bob-1")])
        events.take("ann-1", [alive(9, "ann-1"), told(10, node="ann-1")])
        data = next(line for line in lines if line.startswith("data: "))
        assert json.loads(data.removeprefix("data: "))["id"] == "ann-1/1/10"
    until = time.monotonic() + 10
    while streams.slots.held() and time.monotonic() < until:
        time.sleep(0.05)
    assert not streams.slots.held(), "who left is noticed"


def test_the_story_shows_what_is_missing_and_nobody_elses(api: FlaskClient) -> None:
    come_as(api)
    page = api.get("/nodes/ann-1/story")
    assert page.status_code == 200
    assert "<strong>2 events are missing</strong>: the node could not keep them: full" in page.text
    assert "<strong>1 event is missing</strong>: not here" in page.text
    assert "&lt;b&gt;" in page.text
    assert "2 lost, 0 refused, 1 missing" in page.text
    with database.transaction():
        Standing.update(offset_s=-0.4).execute()
    assert "<dt>Its clock</dt><dd>0 s</dd>" in api.get("/nodes/ann-1/story").text
    assert api.get("/nodes/bob-1/story").status_code == 404
    assert api.get("/nodes/ann-1/story?before=x").status_code == 422
    listed = api.get("/nodes/events").text
    assert "ann-1" in listed
    assert "bob" not in listed
    assert "#here" in api.get("/nodes").text
    assert api.get("/nodes/events?kind=x").status_code == 422


def test_whatever_a_node_says_of_itself_can_be_shown(api: FlaskClient) -> None:
    events.take("ann-1", [alive(9, "ann-1", saltcellar="0.4\ud800", salt=["\ud800"], python="\x00")])
    come_as(api)
    for path in ("/nodes", "/nodes/ann-1/story"):
        assert api.get(path).status_code == 200
    assert "saltcellar 0.4?" in api.get("/nodes/ann-1/story").text


def test_long_stories_and_lists_have_pages(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stories, "LINES", 3)
    monkeypatch.setattr(stories, "LISTED", 3)
    come_as(api)
    first = api.get("/nodes/ann-1/story").text
    older = re.search(r'href="(/nodes/ann-1/story\?before=[^"]+)"', first)
    assert older
    before = api.get(older[1]).text
    assert "<td>1/1</td>" in before
    assert "<td>1/8</td>" not in before
    assert "?before=" not in before
    last = re.search(r'rel="next" href="([^"]+)"', api.get("/nodes/events").text)
    assert last
    assert api.get(last[1].replace("&amp;", "&")).text.count("<tr>") == 3  # the header and two events


def test_who_is_not_heard_of_is_away_and_comes_back(api: FlaskClient) -> None:
    ann = accounts.show(OWNER)["id"]
    assert standings.of(ann)["ann-1"]["state"] == "here"
    assert presence.look(time.time() + 4000) == 2
    assert presence.look(time.time() + 4000) == 0  # it is told only once
    assert [one.type.rpartition(".")[2] for one in rows.of_presence("ann-1", 9)] == ["away"]
    events.take("ann-1", [told(11, node="ann-1")])
    assert standings.of(ann)["ann-1"]["state"] == "here"
    assert [one.type.rpartition(".")[2] for one in rows.of_presence("ann-1", 9)] == ["back", "away"]
    come_as(api)
    assert "noted here" in api.get("/nodes/ann-1/story").text
