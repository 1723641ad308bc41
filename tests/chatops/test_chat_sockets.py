"""Socket Mode: deliveries are acked once kept, heard once, and connections made again by themselves."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fakes.slack import Slack
from filling import full

from pillar_service.chatops import sockets, wire
from pillar_service.chatops.drain import Drain
from pillar_service.chatops.inbox import Inbox


@pytest.fixture
def over() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def connected(slack: Slack, inbox: Inbox, over: threading.Event) -> Iterator[Slack]:
    made = sockets.client(slack.app_token, wire.client(slack.bot_token, slack.url), inbox)
    sockets.keep_connected(made, over)
    wait_for(lambda: bool(slack.server.sockets.open))
    yield slack
    made.close()


def wait_for(is_so: Any, patience_s: float = 20) -> None:
    until = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_events_commands_and_presses_come_over_a_socket(connected: Slack, drain: Drain, heard: Any) -> None:
    ann = connected.user("T1/U1")
    ann.mentions("one")
    ann.slash("two")
    envelope = connected.envelope(
        {"type": "app_mention", "user": "U1", "team": "T1", "text": "x", "ts": "1.1", "channel": "C1"}
    )
    for n in range(3):
        connected.delivering.once("event", envelope, n)
    ann.mentions("end")
    assert [one.text for one in heard.wait(4)] == ["one", "two", "x", "end"]
    assert {ack.status for ack in connected.delivering.acks} == {200}


def test_what_can_not_be_kept_is_not_acked_and_comes_again(
    connected: Slack, inbox: Inbox, drain: Drain, heard: Any
) -> None:
    full(inbox, times=1)
    connected.user("T1/U1").mentions("help")
    assert [ack.status for ack in connected.delivering.acks] == [0, 200]
    assert len(heard.wait(1)) == 1


def test_a_dropped_connection_is_made_again(connected: Slack, drain: Drain, heard: Any) -> None:
    before = list(connected.server.sockets.open)
    asyncio.run_coroutine_threadsafe(connected.server.sockets.drop(), connected.server.loop).result(5)
    wait_for(lambda: [one for one in connected.server.sockets.open if one not in before], 40)
    connected.user("T1/U1").mentions("after")
    assert heard.wait(1)[0].text == "after"


def test_slack_may_be_away_at_the_start(
    slack: Slack, inbox: Inbox, over: threading.Event, drain: Drain, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "AGAIN_S", 0.1)
    slack.faults.is_down = True
    made = sockets.client(slack.app_token, wire.client(slack.bot_token, slack.url), inbox)
    sockets.keep_connected(made, over)
    time.sleep(0.3)
    slack.faults.is_down = False
    wait_for(lambda: bool(slack.server.sockets.open))
    slack.user("T1/U1").mentions("at last")
    assert heard.wait(1)[0].text == "at last"
    made.close()
