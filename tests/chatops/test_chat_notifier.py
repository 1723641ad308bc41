"""The notifier: in order within a thread, others not held up, nothing lost, nothing twice."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from fakes.slack import Slack

from pillar_service.chatops import wire
from pillar_service.chatops.buckets import Buckets, Rate
from pillar_service.chatops.notifier import Notifier
from pillar_service.core.chat.chat import OutgoingKind
from pillar_service.store.chat.conversations import Conversation
from pillar_service.store.chat.outgoing import Outgoing
from pillar_service.store.database import transaction
from pillar_service.store.jobs.leases import Lease
from pillar_service.usecases.chat import conversations, outbox, sending, turns

FAST = Buckets(posts=Rate(1000, 1000), edits=Rate(1000, 1000))


@pytest.fixture(autouse=True)
def threads(slack: Slack) -> None:
    """What these tests reply to."""
    for channel in ("C1", "C2"):
        slack.workspace.begin(channel, "2.0", "2.1", "2.2", *(f"1.{n}" for n in range(300)))


def text(said: str) -> dict[str, Any]:
    return {"text": said}


def states() -> list[str]:
    return [row.state for row in Outgoing.select().order_by(Outgoing.n)]


def wait(is_so: Callable[[], Any], patience_s: float = 10) -> None:
    until = time.monotonic() + patience_s
    while not is_so():
        rows = [(row.n, row.kind, row.state, row.tries, row.error) for row in Outgoing.select().order_by(Outgoing.n)]
        assert time.monotonic() < until, rows
        time.sleep(0.02)


def all_sent() -> bool:
    return set(states()) == {"sent"}


def begin(channel: str = "C1", thread: str | None = "1.1") -> str:
    return conversations.begin("T1", channel, thread, "U1", "boring")


def test_a_thread_is_in_order_and_slack_refuses_nothing(slack: Slack, notifier: Notifier) -> None:
    for n in range(8):
        outbox.post("C1", text(f"n{n}"), "1.1")
    wait(all_sent)
    assert [message["text"] for message in slack.messages()] == [f"n{n}" for n in range(8)]
    assert {message["thread_ts"] for message in slack.messages()} == {"1.1"}
    assert slack.refused == []


def test_a_conversation_has_one_message_that_is_edited_and_a_thread_under_it(slack: Slack, notifier: Notifier) -> None:
    conversation = begin(thread=None)
    outbox.show(conversation, text("one"))
    outbox.say(conversation, text("reply"))
    wait(all_sent)
    outbox.show(conversation, {"text": "two", "blocks": [{"type": "divider"}]})
    outbox.say(conversation, text("another"))
    wait(all_sent)
    first, *replies = slack.messages()
    assert (first["text"], first["edits"], first.get("thread_ts")) == ("two", 1, None)
    assert [(one["text"], one["thread_ts"]) for one in replies] == [("reply", first["ts"]), ("another", first["ts"])]
    about = conversations.find(conversation)
    assert (about.message, about.thread) == (first["ts"], first["ts"])


def test_edits_that_wait_are_one_the_newest(slack: Slack, chat: Callable[[], None]) -> None:
    conversation = begin()
    notifier = Notifier(wire.client(slack.bot_token, slack.url), FAST)
    for n in range(5):
        outbox.show(conversation, text(f"first {n}"))
    notifier.start()
    wait(all_sent)
    slack.faults.delay_s = 0.3
    for n in range(20):
        outbox.show(conversation, text(f"n{n}"))
        outbox.edit("C1", slack.messages()[0]["ts"], text(f"n{n}"))
        time.sleep(0.02)
    slack.faults.delay_s = 0
    wait(all_sent)
    assert slack.messages()[0]["text"] == "n19"
    assert len(slack.calls("chat.postMessage")) == 1
    assert 2 <= len(slack.calls("chat.update")) <= 8
    notifier.stop()


def test_a_thread_that_waits_holds_up_no_other(slack: Slack, notifier: Notifier) -> None:
    outbox.post("C2", text("slow"), "1.1")
    slack_limit = slack.workspace.limit

    def limit(channel: str) -> None:
        if channel == "C2":
            from fakes.slack.rules import Refused

            raise Refused("ratelimited", retry_after=2)
        slack_limit(channel)

    slack.workspace.limit = limit  # type: ignore[method-assign]
    wait(lambda: len(slack.calls("chat.postMessage")) == 1)
    outbox.post("C2", text("after it"), "1.1")
    began = time.monotonic()
    for n in range(3):
        outbox.post("C1", text(f"n{n}"), f"2.{n}")
    wait(lambda: len(slack.messages()) == 3)
    assert time.monotonic() - began < 1.5
    slack.workspace.limit = slack_limit  # type: ignore[method-assign]
    wait(all_sent)
    assert [message["text"] for message in slack.messages("C2")] == ["slow", "after it"]
    assert (
        len([1 for call in slack.calls("chat.postMessage") if call["channel"] == "C2"]) == 3
    )  # Retry-After was honoured


def test_slack_away_for_a_while_loses_nothing(slack: Slack, notifier: Notifier) -> None:
    slack.faults.is_down = True
    for n in range(6):
        outbox.post("C1", text(f"n{n}"), f"1.{n % 2}")
    conversation = begin()
    outbox.upload(conversation, "out.txt", "line\n" * 10, "The whole output")
    wait(lambda: len(slack.server.calls) > 3)
    time.sleep(1)
    slack.faults.is_down = False
    wait(all_sent, 30)
    for thread in ("1.0", "1.1"):
        texts = [m["text"] for m in slack.messages() if m.get("thread_ts") == thread and m["text"].startswith("n")]
        assert texts == sorted(texts)
    assert sorted(m["text"] for m in slack.messages()) == ["The whole output", *(f"n{n}" for n in range(6))]


def test_an_address_where_nobody_listens_is_no_doubt(chat: Callable[[], None]) -> None:
    outbox.post("C1", text("x"))
    notifier = Notifier(wire.client("xoxb-test", "http://127.0.0.1:9/api/"), FAST)
    notifier.start()
    wait(lambda: Outgoing.get().error)
    assert Outgoing.get().state == "queued"
    notifier.stop()


@pytest.mark.parametrize(
    ("method", "send"),
    [
        ("chat.postMessage", lambda: outbox.post("C1", text("once"))),
        ("chat.postMessage", lambda: outbox.post("C1", text("once"), "1.1")),
        ("chat.postMessage", lambda: outbox.show(begin(), text("once"))),
        ("chat.postMessage", lambda: outbox.show(begin(thread=None), text("once"))),
        ("files.completeUploadExternal", lambda: outbox.upload(begin(), "o.txt", "content", "once")),
    ],
)
def test_a_message_whose_answer_is_lost_is_there_once(
    slack: Slack, notifier: Notifier, method: str, send: Callable[[], str]
) -> None:
    slack.faults.lose_answers[method] = 2
    send()
    wait(all_sent)
    assert [message["text"] for message in slack.messages()] == ["once"]
    assert len(slack.calls(method)) == 1
    assert [row.tries for row in Outgoing.select()] == [2]


def test_a_message_in_doubt_that_can_not_be_looked_for_is_sent_again(slack: Slack, notifier: Notifier) -> None:
    slack.faults.lose_answers["chat.postMessage"] = 1
    slack.faults.errors["conversations.history"] = "missing_scope"
    outbox.post("C1", text("twice"))
    wait(lambda: Outgoing.get().state == "sending" and Outgoing.get().error)
    time.sleep(1.5)
    assert len(slack.messages()) == 1  # the app lacks a scope: that is mended, and then it is looked for
    del slack.faults.errors["conversations.history"]
    wait(all_sent, 20)
    assert len(slack.messages()) == 1


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "not_in_channel", "invalid_blocks"])
def test_a_no_for_good_is_given_up_and_the_thread_goes_on(slack: Slack, notifier: Notifier, error: str) -> None:
    slack.faults.errors["chat.postMessage"] = error
    outbox.post("C1", text("lost"), "1.1")
    wait(lambda: states() == ["given_up"])
    del slack.faults.errors["chat.postMessage"]
    outbox.post("C1", text("next"), "1.1")
    wait(lambda: states() == ["given_up", "sent"])
    assert error in Outgoing.get(Outgoing.state == "given_up").error
    assert {row.state: row.body for row in Outgoing.select()} == {"given_up": {}, "sent": {}}


@pytest.mark.parametrize("word", ["closed", "outside", "restricted"])
def test_a_conversation_whose_channel_takes_nothing_any_more_goes_on_in_direct_messages(
    slack: Slack, notifier: Notifier, word: str
) -> None:
    conversation = begin()
    outbox.show(conversation, text("it runs"))
    wait(all_sent)
    getattr(slack.workspace, word).add("C1")
    outbox.show(conversation, text("it ran"))
    outbox.say(conversation, text("All done!"))
    outbox.upload(conversation, "o.txt", "content", "All of it")
    wait(all_sent)
    first, *others = slack.messages("D1")
    assert (first["text"], first.get("thread_ts")) == ("it ran", None)
    assert [(one["text"], one["thread_ts"]) for one in others] == [
        ("All done!", first["ts"]),
        ("All of it", first["ts"]),
    ]
    outbox.show(conversation, text("it ran long ago"))
    wait(all_sent)
    assert slack.messages("D1")[0]["text"] == "it ran long ago"


@pytest.mark.parametrize(
    "send",
    [
        lambda: outbox.say(begin(), text("done")),
        lambda: outbox.show(begin(), text("done")),
        lambda: outbox.upload(begin(), "o.txt", "content", "done"),
        lambda: outbox.post("C1", text("done"), "1.1", "U1"),
        lambda: outbox.whisper("C1", "U1", text("done"), "1.1"),
    ],
)
def test_what_was_to_be_said_below_a_message_that_is_gone_is_said_beside_it(
    slack: Slack, notifier: Notifier, send: Callable[[], str]
) -> None:
    slack.workspace.remove("C1", "1.1")
    send()
    wait(all_sent)
    said = slack.user("T1/U1").sees("done")
    assert (said["channel"], said.get("thread_ts")) == ("C1", None)
    slack.workspace.closed.add("C1")
    send()
    wait(all_sent)
    assert slack.user("T1/U1").sees("done")["channel"] == "D1"


def test_a_message_of_ours_that_somebody_deleted_is_written_anew(slack: Slack, notifier: Notifier) -> None:
    conversation = begin(thread=None)
    outbox.show(conversation, text("sure?"))
    wait(all_sent)
    slack.workspace.remove("C1", slack.messages()[0]["ts"])
    outbox.show(conversation, text("it runs"))
    outbox.say(conversation, text("done"))
    wait(all_sent)
    first, second = slack.messages()
    assert (first["text"], second["text"], second["thread_ts"]) == ("it runs", "done", first["ts"])


def test_an_app_that_may_not_show_who_talks_speaks_as_the_bot(slack: Slack, notifier: Notifier) -> None:
    slack.workspace.is_customized = False
    outbox.post("C1", text("hello"), "1.1")
    outbox.whisper("C1", "U1", text("psst"))
    wait(all_sent)
    assert "username" not in slack.messages()[0]
    assert slack.user("T1/U1").sees("psst")


def test_what_nobody_can_be_told_is_given_up(slack: Slack, notifier: Notifier) -> None:
    slack.workspace.closed |= {"C1", "D1"}
    outbox.say(begin(), text("lost"))
    outbox.say(begin(thread="9.9"), text("lost"))
    wait(lambda: states() == ["given_up"] * 2)
    assert [row.body for row in Outgoing.select()] == [{}, {}]


def test_a_revoked_token_throws_nothing_away(slack: Slack, notifier: Notifier) -> None:
    slack.faults.errors["chat.postMessage"] = "token_revoked"
    outbox.post("C1", text("kept"))
    wait(lambda: Outgoing.get().error)
    del slack.faults.errors["chat.postMessage"]
    wait(all_sent)
    assert [message["text"] for message in slack.messages()] == ["kept"]


def test_what_waits_is_sealed_and_after_another_secret_key_given_up(
    slack: Slack, chat: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.whisper("C1", "U1", text("only now: canary-1"))
    conversation = begin()
    for said in ("canary-2", "canary-3"):
        outbox.show(conversation, text(said))
    outbox.upload(conversation, "x.txt", "canary-4", "canary-5")
    assert "canary" not in str(list(Outgoing.select().dicts()))
    monkeypatch.setenv("CELLAR_SECRET_KEY", "another-key-0123456789abcdef0123456789abcdef")
    chat()
    outbox.post("C1", text("later"), "1.1")
    notifier = Notifier(wire.client(slack.bot_token, slack.url), FAST)
    notifier.start()
    wait(lambda: not {"queued", "sending"} & set(states()))
    notifier.stop()
    assert states() == ["given_up"] * 3 + ["sent"]
    assert [message["text"] for message in slack.messages()] == ["later"]


def test_nothing_overtakes_what_waits_in_its_thread(slack: Slack, notifier: Notifier) -> None:
    slack.faults.errors["chat.postMessage"] = "token_revoked"
    outbox.post("C1", text("first"), "1.1")
    wait(lambda: Outgoing.get().error)
    del slack.faults.errors["chat.postMessage"]
    outbox.post("C1", text("second"), "1.1")
    outbox.post("C1", text("elsewhere"), "2.2")
    wait(all_sent)
    assert [message["text"] for message in slack.messages()] == ["elsewhere", "first", "second"]


def test_a_conversation_ends_once(slack: Slack, notifier: Notifier) -> None:
    conversation, said = begin(), []
    for _ in range(3):
        conversations.end(conversation, text("over"), lambda: said.append(outbox.say(conversation, text("bye"))))
        assert not conversations.show(conversation, "later", text("too late"))
    wait(all_sent)
    assert len(said) == 1
    assert [message["text"] for message in slack.messages()] == ["over", "bye"]


def test_what_was_said_before_the_clock_was_set_back_is_sent(slack: Slack, chat: Callable[[], None]) -> None:
    for n, ahead_s in enumerate((86_400, 3_600)):
        outbox.post("C1", text(f"{n}"), f"{n}.1")
        with transaction():
            Outgoing.update(not_before=time.time() + ahead_s).where(Outgoing.n == n + 1).execute()
    assert [item.thread for item in sending.heads(10)] == ["0.1"]


def test_a_window_opens_with_its_trigger_or_its_user_is_told(slack: Slack, notifier: Notifier) -> None:
    title, said = (
        {"type": "plain_text", "text": "A title"},
        {"type": "section", "text": {"type": "mrkdwn", "text": "Hi"}},
    )
    view = {"type": "modal", "title": title, "blocks": [said]}
    outbox.modal(slack.workspace.trigger("U1"), view, "C1", "U1", "Press again.")
    assert slack.user("T1/U1").window("A title")
    slack.workspace.trigger_s = 0
    outbox.modal(slack.workspace.trigger("U1"), view, "C1", "U1", "Press again.")
    assert slack.user("T1/U1").sees("Press again.")["to"] == "U1"
    assert len(slack.calls("views.open")) == 2


def test_what_is_whispered_is_seen_by_one(slack: Slack, notifier: Notifier) -> None:
    outbox.whisper("C1", "U1", text("psst"))
    assert slack.user("T1/U1").sees("psst")
    assert not [message for message in slack.user("T1/U2").visible() if "psst" in str(message)]


def test_a_person_gets_a_direct_message(slack: Slack, notifier: Notifier) -> None:
    outbox.post("U7", text("for you"))
    assert slack.user("T1/U7").sees("for you")["channel"] == "D7"


def test_only_one_of_two_sends_and_the_other_follows(slack: Slack, chat: Callable[[], None]) -> None:
    first, second = (Notifier(wire.client(slack.bot_token, slack.url), FAST) for _ in range(2))
    assert (sending.leads(first.holder), sending.leads(second.holder)) == (True, False)
    outbox.post("C1", text("x"))
    assert (second.step(), sending.take(second.holder, sending.heads(10))) == (0, [])
    with transaction():
        Lease.update(expires_at=time.time() - 1).where(Lease.name == sending.NOTIFYING).execute()
    assert second.step() == 1
    assert first.step() == 0  # it was frozen meanwhile, and wakes up
    wait(all_sent)
    assert len(slack.messages()) == 1
    for one in (first, second):
        one.stop()


def test_who_slept_over_its_claim_sends_nothing(slack: Slack, chat: Callable[[], None]) -> None:
    from dataclasses import replace

    notifier = Notifier(wire.client(slack.bot_token, slack.url), FAST)
    outbox.post("C1", text("x"))
    assert sending.leads(notifier.holder)
    [item] = sending.take(notifier.holder, sending.heads(10))
    notifier._send(replace(item, until=time.time() + 5))
    assert slack.server.calls == []
    with transaction():
        Outgoing.update(not_before=0).execute()
    notifier.start()
    wait(all_sent)
    assert len(slack.messages()) == 1
    notifier.stop()


def test_what_is_said_again_in_the_same_turn_is_said_once(slack: Slack, notifier: Notifier) -> None:
    for _ in range(3):
        with turns.of("event:Ev1"):
            outbox.post("C1", text("one"))
            outbox.say(begin(), text("two"))
    wait(all_sent)
    assert sorted(message["text"] for message in slack.messages()) == ["one", "two"]


def test_a_busy_channel_leaves_room_for_others(slack: Slack, notifier: Notifier) -> None:
    for n in range(300):
        outbox.post("C1", text(f"n{n}"), f"1.{n}")
    outbox.post("C2", text("quick"))
    began = time.monotonic()
    wait(lambda: slack.messages("C2"))
    assert time.monotonic() - began < 3


def test_many_edits_leave_room_for_posts(slack: Slack, chat: Callable[[], None]) -> None:
    notifier = Notifier(wire.client(slack.bot_token, slack.url), Buckets(posts=Rate(1000, 1000), edits=Rate(1, 0.1)))
    notifier.start()
    for n in range(250):
        conversation = begin(thread=f"1.{n}")
        with transaction():
            Conversation.update(message=f"9.{n}").where(Conversation.id == conversation).execute()
        outbox.show(conversation, text(f"n{n}"))
    outbox.post("C2", text("quick"))
    began = time.monotonic()
    wait(lambda: slack.messages("C2"))
    assert time.monotonic() - began < 3
    notifier.stop()


def test_the_buckets_hold_the_rates() -> None:
    now = [0.0]
    buckets = Buckets(posts=Rate(2, 1), edits=Rate(3, 0.5), clock=lambda: now[0])

    def item(kind: OutgoingKind, channel: str = "C1", message: str | None = None) -> sending.Item:
        return sending.Item("i", "l", kind, None, channel, None, message, None, {}, None, 0, 0.0, 0.0, False)

    assert [buckets.take(item(OutgoingKind.POST)) for _ in range(3)] == [True, True, False]
    assert buckets.take(item(OutgoingKind.POST, "C2"))
    assert [buckets.take(item(OutgoingKind.SHOW, "C1", "1.1")) for _ in range(4)] == [True, True, True, False]
    assert all(buckets.take(item(OutgoingKind.MODAL)) for _ in range(50))
    now[0] = 1.0
    assert [buckets.take(item(OutgoingKind.SHOW)) for _ in range(2)] == [True, False]
    buckets.rest(item(OutgoingKind.POST, "C3"), 5)
    assert buckets.resting() == {"C1", "C3"}  # nothing is left for the first now
    now[0] = 6.1
    assert (buckets.resting(), buckets.take(item(OutgoingKind.POST, "C3"))) == (set(), True)
