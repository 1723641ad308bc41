"""Slack's door over HTTP: only what Slack signed is kept, each delivery is worked on once, and nothing stops it."""

import json
import time
from typing import Any

import pytest
import requests
from fakes.slack import Slack
from fakes.slack.delivering import encoded, signed
from filling import full

from pillar_service.chatops.drain import Drain
from pillar_service.chatops.facts import Person, Pressed, Said
from pillar_service.chatops.inbox import Inbox


def send(url: str, body: bytes, headers: dict[str, str], kind: str = "application/json") -> int:
    return requests.post(url, body, headers={"Content-Type": kind, **headers}, timeout=5).status_code


def mention(slack: Slack, text: str = "help") -> Any:
    return slack.envelope(
        {"type": "app_mention", "user": "U1", "team": "T1", "text": text, "ts": "1.1", "channel": "C1"}
    )


def test_what_somebody_writes_is_acked_and_heard_once(slack: Slack, door: str, drain: Drain, heard: Any) -> None:
    ts = slack.user("T1/U1").mentions("restart-bot my")
    slack.user("T1/U1").writes("help")
    first, second = heard.wait(2)
    assert first == Said(Person("T1", "U1"), "C1", ts, "restart-bot my", is_direct=False)
    assert (second.channel, second.is_direct, second.text) == ("D1", True, "help")
    assert [ack.status for ack in slack.delivering.acks] == [200, 200]
    assert max(ack.seconds for ack in slack.delivering.acks) < 1


@pytest.mark.parametrize("times", [2, 3])
def test_what_is_delivered_again_is_heard_once(slack: Slack, door: str, drain: Drain, heard: Any, times: int) -> None:
    first, second = mention(slack, "one"), mention(slack, "two")
    for envelope, number in ((second, 0), *((first, n) for n in range(times)), (second, 1)):
        assert slack.delivering.once("event", envelope, number).status == 200
    assert slack.delivering.once("event", mention(slack, "end")).status == 200
    assert [one.text for one in heard.wait(3)] == ["two", "one", "end"]


def test_what_slack_delivers_again_because_nobody_was_there_is_heard_once(
    slack: Slack, door: str, inbox: Inbox, drain: Drain, heard: Any
) -> None:
    full(inbox, times=2)
    slack.user("T1/U1").mentions("help")
    assert [ack.status for ack in slack.delivering.acks] == [503, 503, 200]
    assert len(heard.wait(1)) == 1


def forgeries(slack: Slack, body: bytes) -> dict[str, dict[str, str]]:
    now, good = time.time(), signed(body, time.time())
    stamp, mac = good["X-Slack-Request-Timestamp"], good["X-Slack-Signature"]
    return {
        "unsigned": {},
        "no timestamp": {"X-Slack-Signature": mac},
        "no signature": {"X-Slack-Request-Timestamp": stamp},
        "another secret": signed(body, now, "0" * 32),
        "another body": signed(body + b" ", now),
        "another time": {**good, "X-Slack-Request-Timestamp": str(int(now) - 1)},
        "stale": signed(body, now - 301),
        "of the future": signed(body, now + 302),
        "a time that is no number": {**good, "X-Slack-Request-Timestamp": "soon"},
        "a negative time": {**good, "X-Slack-Request-Timestamp": f"-{stamp}"},
        "other digits": {**good, "X-Slack-Request-Timestamp": "".join(chr(0xB2) for _ in stamp)},
        "a huge time": {**good, "X-Slack-Request-Timestamp": "9" * 5_000},
        "not ASCII": {**good, "X-Slack-Signature": "v0=\xe4"},
        "v1": {**good, "X-Slack-Signature": mac.replace("v0", "v1")},
        "empty": {"X-Slack-Request-Timestamp": "", "X-Slack-Signature": ""},
    }


def test_what_slack_did_not_sign_is_refused_and_heard_by_nobody(
    slack: Slack, door: str, inbox: Inbox, drain: Drain, heard: Any
) -> None:
    body, kind = encoded("event", mention(slack))
    for name, headers in forgeries(slack, body).items():
        latin = {key: value.encode("latin-1") for key, value in headers.items()}
        assert (name, send(door, body, latin, kind)) == (name, 401)
    assert inbox.next() is None
    assert slack.event(mention(slack)["event"]).status == 200
    assert len(heard.wait(1)) == 1


def test_the_very_same_request_once_more_is_refused(
    slack: Slack, door: str, inbox: Inbox, drain: Drain, heard: Any
) -> None:
    body, kind = encoded("event", mention(slack))
    headers = signed(body, time.time())
    assert [send(door, body, headers, kind) for _ in range(3)] == [200, 401, 401]
    again = {**headers, "X-Slack-Retry-Num": "1"}  # Adding this gets an ack, but nothing is heard.
    assert send(door, body, again, kind) == 200
    slack.event(mention(slack, "end")["event"])
    assert [one.text for one in heard.wait(2)] == ["help", "end"]


def test_a_request_that_was_taken_by_another_process_is_refused_here(
    slack: Slack, door: str, inbox: Inbox, drain: Drain, heard: Any
) -> None:
    from pillar_service.chatops import deliveries

    body, kind = encoded("event", mention(slack))
    headers = signed(body, time.time())
    other = Inbox(inbox.file.parent)
    lower = {name.lower(): value for name, value in headers.items()}
    other.keep(deliveries.from_http(body, kind, lower))
    time.sleep(1.1)  # the interval at which it looks for others'
    assert send(door, body, headers, kind) == 401
    other.close()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"\xff\xfe", "application/json", 401),
        (b"[" * 100_000, "application/json", 400),
        (b"payload=%7B", "application/x-www-form-urlencoded", 400),
        (b"payload=1", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a=1" for _ in range(200)), "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 200),
        (b'{"type": "event_callback"}', "application/json", 200),
        (b'{"type": "event_callback", "event": 7, "event_id": {}}', "application/json", 200),
        (b'{"type": "block_actions", "trigger_id": "1.2.a", "actions": []}', "application/json", 200),
        (b'{"type": "view_submission", "trigger_id": "1.2.b", "view": null}', "application/json", 200),
        (b"ssl_check=1&token=x", "application/x-www-form-urlencoded", 200),
    ],
)
def test_whatever_is_signed_the_process_lives(
    slack: Slack, door: str, drain: Drain, heard: Any, body: bytes, kind: str, status: int
) -> None:
    assert send(door, body, signed(body, time.time()), kind) == status
    assert slack.event(mention(slack, "end")["event"]).status == 200
    assert heard.wait(1)[-1].text == "end"


def test_slack_is_told_that_the_address_is_ours(slack: Slack, door: str) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c123", "token": "x"}).encode()
    answer = requests.post(
        door, body, headers={"Content-Type": "application/json", **signed(body, time.time())}, timeout=5
    )
    assert (answer.status_code, answer.json()) == (200, {"challenge": "c123"})


def test_too_much_is_refused_before_it_is_read(slack: Slack, door: str) -> None:
    assert send(door, b"x" * ((1 << 20) + 1), {}) == 413
    assert requests.get(door, timeout=5).status_code == 405


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B1"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"subtype": "channel_join"},
        {"edited": {"user": "U1", "ts": "1"}},
        {"user": None},
        {"user": "USLACKBOT"},
        {"user": "U0BOT"},
        {"channel_type": "channel"},
        {"channel": None},
    ],
)
def test_what_is_no_persons_new_message_is_heard_by_nobody(
    slack: Slack, door: str, drain: Drain, heard: Any, more: dict[str, Any]
) -> None:
    ann = slack.user("T1/U1")
    ann.writes("help", **more)
    ann.mentions("end")
    assert [one.text for one in heard.wait(1)] == ["end"]


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_what_somebody_writes_beside_a_file_or_for_the_channel_too_is_heard(
    slack: Slack, door: str, drain: Drain, heard: Any, subtype: str
) -> None:
    ann = slack.user("T1/U1")
    ann.writes("help", thread="1.1", subtype=subtype)
    ann.mentions("jobs", thread="1.1", subtype=subtype)
    ann.writes("never", subtype=subtype, user="U0BOT")
    ann.writes("never", subtype=subtype, bot_id="B1")
    ann.mentions("end")
    assert [one.text for one in heard.wait(3)] == ["help", "jobs", "end"]


def test_another_teams_same_user_id_is_another_user(slack: Slack, door: str, drain: Drain, heard: Any) -> None:
    for who in ("T1/U1", "T2/U1"):
        slack.user(who).mentions("whoami")
        slack.user(who).slash("whoami")
    assert [one.person for one in heard.wait(4)] == [Person("T1", "U1")] * 2 + [Person("T2", "U1")] * 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x" * 40_000,
        "🧂" * 5_000,
        "“smart” ‘quotes’",
        'an "unclosed',
        "a=b=c",
        "!",
        "\x00\x1b[31m",
        "<!channel> <@U2>",
        "\ud83e",
    ],
)
def test_any_text_is_heard_as_it_is(slack: Slack, door: str, drain: Drain, heard: Any, text: str) -> None:
    slack.user("T1/U1").mentions(text)
    slack.user("T1/U1").mentions("end")
    assert [one.text for one in heard.wait(2)] == [text.strip(), "end"]


def test_a_press_tells_who_where_and_what(slack: Slack, door: str, drain: Drain, heard: Any) -> None:
    text = {"type": "plain_text", "text": "Yes"}
    button = {"type": "button", "text": text, "action_id": "confirm:yes:j1", "value": "j1"}
    said = {"channel": "C1", "text": "Sure?", "blocks": [{"type": "actions", "elements": [button]}], "thread_ts": "1.1"}
    slack.workspace.begin("C1", "1.1")
    ts = slack.server.api.call("chat.postMessage", said)["ts"]
    slack.user("T2/U9").presses("Yes")
    [pressed] = heard.wait(1)
    assert isinstance(pressed, Pressed)
    assert (pressed.person, pressed.channel, pressed.thread) == (Person("T2", "U9"), "C1", "1.1")
    assert (pressed.message, pressed.action, pressed.value) == (ts, "confirm:yes:j1", "j1")
