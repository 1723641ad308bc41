"""The notifier when Slack is away, refuses, or never answers: nothing is lost, and nothing comes twice."""

import time
from collections.abc import Callable

import pytest
from fakes.slack import Slack
from notifying import FAST, all_sent, begin, states, text, wait

from pillar_service.chatops import wire
from pillar_service.chatops.notifier import Notifier
from pillar_service.store.chat.outgoing import Outgoing
from pillar_service.usecases.chat import outbox

pytestmark = pytest.mark.usefixtures("threads")


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


def test_a_message_in_doubt_waits_until_it_can_be_looked_for(slack: Slack, notifier: Notifier) -> None:
    slack.faults.lose_answers["chat.postMessage"] = 1
    slack.faults.errors["conversations.history"] = "missing_scope"
    outbox.post("C1", text("twice"))
    wait(lambda: Outgoing.get().state == "sending" and Outgoing.get().error)
    time.sleep(1.5)
    assert len(slack.messages()) == 1  # A scope is missing: the message is looked for only once that is fixed.
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


def test_what_was_asked_in_others_direct_messages_is_answered_in_ours(slack: Slack, notifier: Notifier) -> None:
    slack.workspace.outside.add("D9")
    conversation = begin("D9", None)
    outbox.show(conversation, text("it runs"))
    outbox.say(conversation, text("All done!"))
    outbox.whisper("D9", "U1", text("only for you"))
    wait(all_sent)
    assert sorted(one["text"] for one in slack.messages("D1")) == ["All done!", "it runs", "only for you"]


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
