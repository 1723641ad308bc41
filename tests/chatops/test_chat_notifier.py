"""The notifier: in order within a thread, without holding up others, in one process at a time, as fast as Slack allows."""

import time
from collections.abc import Callable

import pytest
from fakes.slack import Slack
from notifying import FAST, all_sent, begin, text, wait

from pillar_service.chatops import wire
from pillar_service.chatops.buckets import Buckets, Rate
from pillar_service.chatops.notifier import Notifier
from pillar_service.core.chat.chat import OutgoingKind
from pillar_service.store.chat.conversations import Conversation
from pillar_service.store.chat.outgoing import Outgoing
from pillar_service.store.database import transaction
from pillar_service.store.jobs.leases import Lease
from pillar_service.usecases.chat import conversations, outbox, sending, turns

pytestmark = pytest.mark.usefixtures("threads")


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
    )  # Retry-After was respected


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
    assert first.step() == 0  # it was frozen, and wakes up now
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
    assert buckets.resting() == {"C1", "C3"}  # the first has nothing left now
    now[0] = 6.1
    assert (buckets.resting(), buckets.take(item(OutgoingKind.POST, "C3"))) == (set(), True)
