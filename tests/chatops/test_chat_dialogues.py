"""Whole conversations in Slack, on the fake at the wire, the real inbox, outbox, catalogue, queue and database."""

import re
import time
from typing import Any

import pouring
import pyotp
import pytest
import stage
from fakes.slack import Slack
from fakes.slack.people import User

from pillar_service.chatops import following
from pillar_service.chatops import sentences as chat_sentences
from pillar_service.core.chat.personas import Moment, Persona
from pillar_service.core.errors import Conflict
from pillar_service.store import database
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.leases import Lease
from pillar_service.store.nodes import standings
from pillar_service.store.people import mails
from pillar_service.usecases.chat import turns
from pillar_service.usecases.jobs import claims, runs
from pillar_service.usecases.meeseeks import catalogue, challenges, people, tokens
from pillar_service.usecases.nodes import presence
from pillar_service.usecases.people import second_factor

ANN, BEN, EVE = "T01/U01", "T01/U02", "T01/U03"


@pytest.fixture
def ann(talk: Slack) -> User:
    """An operator."""
    return talk.user(ANN)


def test_the_dialogue_of_the_seed(talk: Slack, ann: User) -> None:
    asked = ann.mentions("")
    assert ann.sees("I'm Mr Meeseeks! Look at me!")["thread_ts"] == asked
    ann.sees("*restart-bot* Restart a bot")
    ann.presses_in("restart-bot", "Choose")
    ann.submits("restart-bot", bot="my.butt.nz")
    question = ann.sees("restart-bot on cellar-1")
    assert question["thread_ts"] == asked
    ann.presses("Yes")
    until_run()
    done = ann.sees("All done!")
    assert "<@U01>" in str(done["blocks"])
    assert done["thread_ts"] == asked
    assert talk.refused == []


def test_each_moment_is_said_at_its_time(talk: Slack, ann: User) -> None:
    codes, ben, eve = telephone("U01"), talk.user(BEN), talk.user(EVE)
    sentences = catalogue.current().personas.known["meeseeks"].messages
    said = {moment: [max(re.split(r"{\w+}", one), key=len) for one in sentences[moment]] for moment in Moment}

    def hears(*moments: Moment) -> None:
        until = time.monotonic() + 8
        while missing := [one for one in moments if not any(part in str(talk.server.calls) for part in said[one])]:
            assert time.monotonic() < until, missing
            time.sleep(0.02)

    with transaction():
        Lease.update(expires_at=0).execute()
    ann.mentions("hello -l environment=prd")  # no master asks for anything
    hears(Moment.WAITING)
    run = until_claimed()
    hears(Moment.ACCEPTED)
    running = stage.begun(run)
    running.ends()
    hears(Moment.DONE)
    ann.mentions("")
    hears(Moment.GREETING)
    ann.mentions("restart-bot my")
    hears(Moment.SURE)
    ann.presses("No")
    hears(Moment.CANCELLED)
    ann.mentions("launch -l environment=stg")
    ann.presses("Yes")
    hears(Moment.CODE)
    ann.presses("Enter the code")
    ann.submits("One-time code", code=codes.now())
    hears(Moment.APPROVAL)
    ben.presses("Decline")
    hears(Moment.DECLINED)
    for name, state in (("failed", Moment.FAILED), ("timed_out", Moment.TIMED_OUT)):
        ann.mentions("hello -l environment=prd")
        job = until_claimed()["arguments"][0]
        with transaction():
            jobs.change(job, state=name, ended_at=time.time(), error="It was too much.")
        hears(state)
    ann.mentions("restart-bot my")
    ann.sees("restart-bot on cellar-1")
    challenges.expire(time.time() + 3600)
    hears(Moment.EXPIRED)
    eve.mentions("hello")
    ann.mentions("hullo")
    ann.mentions("hello -l environment=none")
    ann.mentions("pods")
    hears(*Moment)


def test_a_node_that_is_away_is_said_to_be(talk: Slack, ann: User) -> None:
    claims.claim("salt")
    with transaction():
        presence.reported("cellar-3", None, time.time() - 3600)
    ann.mentions("hello -l environment=prd")
    ann.sees("cellar-3 is away: it begins there if that is over within 1h.")
    with transaction():
        presence.reported("cellar-3", None, time.time())
    until_run()
    ann.sees("All done!")
    with transaction():
        standings.Standing.update(heard_at=1.0, reported_at=1.0).execute()
    ann.mentions("rotate nginx -l environment=prd")
    ann.sees("cellar-3 is away")


def test_a_refusal_knows_who_asked_for_what_and_is_a_commands_own(talk: Slack) -> None:
    ben = talk.user(BEN)
    ben.mentions("alias put retire")
    ben.sees("is short for")
    ben.mentions("put -l environment=stg")
    assert "<@U02> No retire for you!" in str(ben.sees("No retire for you!")["blocks"])


def test_who_talks_has_a_name_and_a_picture(talk: Slack, ann: User) -> None:
    ann.mentions("version")
    said = ann.sees("Saltcellar")
    assert (said["username"], said["icon_emoji"]) == ("Mr Meeseeks", ":large_blue_circle:")


@pytest.mark.usefixtures("chat")
def test_the_same_is_not_always_said_in_the_same_words() -> None:
    meeseeks = Persona("m", "M", "", {Moment.AWAY: ("One.", "Two.")})
    said = set()
    for n in range(50):
        with turns.of(f"event:Ev{n}"):
            said.add(chat_sentences.refusal(meeseeks, Conflict("Why.")))
            assert chat_sentences.refusal(meeseeks, Conflict("Why.")) in said
    assert said == {"One.", "Two."}


def test_one_typed_line_on_many_nodes(talk: Slack, ann: User) -> None:
    ann.mentions("hello to=you -l environment=stg")
    ann.sees("On 2 nodes: `cellar-1`, `cellar-2`")
    runs = until_run(lambda node, command: ["hello you"])
    assert sorted(run["node"] for run in runs) == ["cellar-1", "cellar-2"]
    done = ann.sees("All done!")
    shown = str(done["blocks"])
    assert "cellar-1: hello you" in shown
    assert "cellar-2: hello you" in shown
    assert talk.refused == []


@pytest.mark.parametrize("how", ["mentions", "writes"])
def test_what_slack_makes_a_link_of_is_read_as_it_was_typed(talk: Slack, ann: User, how: str) -> None:
    ts = getattr(ann, how)("restart-bot my.butt.nz -l environment=stg")
    assert any("<http://my.butt.nz|my.butt.nz>" in str(one.get("text")) for one in ann.visible() if one["ts"] == ts)
    ann.sees("restart-bot on cellar-1")


def test_what_slack_escapes_is_what_runs(talk: Slack, ann: User) -> None:
    ann.mentions("hello to='a & b <c> &amp; d@example.org' -l node=cellar-1")
    ann.sees("On 1 node")
    [run] = until_run(lambda node, command: ["done"])
    assert "a & b <c> &amp; d@example.org" in str(run)


def test_a_task_is_chosen_from_what_the_slash_command_alone_shows(talk: Slack, ann: User) -> None:
    ann.slash("")
    assert ann.sees("I'm Mr Meeseeks! Look at me!")["to"] == "U01"
    ann.presses_in("restart-bot", "Choose")
    ann.submits("restart-bot", bot="my.butt.nz")
    question = ann.sees("restart-bot on cellar-1")
    assert (question["channel"], question.get("thread_ts")) == ("C1", None)
    ann.presses("Yes")
    until_run()
    assert ann.sees("All done!")["thread_ts"] == question["ts"]
    assert talk.refused == []


def test_a_failure_says_what_and_where(talk: Slack, ann: User) -> None:
    ann.mentions("hello -l environment=stg")
    ann.sees("On 2 nodes")
    until_run(lambda node, command: ["no route to host"], 3)
    told = ann.sees("failed on cellar-1, cellar-2")
    assert "cellar-2: no route to host" in str(told["blocks"])


def test_a_no_is_a_no(talk: Slack, ann: User) -> None:
    ann.mentions("restart-bot my")
    ann.sees("restart-bot on cellar-1")
    ann.presses("No")
    ann.sees("Okay! restart-bot never happened!")
    assert stage.carry_out() == []


def test_the_preview_is_seen_before_the_yes_and_the_secret_never(talk: Slack, ann: User) -> None:
    ann.slash("rotate")
    ann.submits("rotate", service="nginx", password="hunter2hunter2", selector="environment=prd")
    ann.sees("the preview is being made")
    until_run(lambda node, command: ["12345 bytes"])
    question = ann.sees("12345 bytes")
    assert "rotate" in str(question["blocks"])
    ann.presses("Yes")
    assert [run["arguments"][2] for run in until_run(lambda node, command: ["fine"])] == ["rotate"]
    ann.sees("All done!")
    everything = str(talk.server.calls)
    assert "hunter2hunter2" not in everything


def test_the_preview_of_several_nodes_says_which_said_what_and_where_it_failed(talk: Slack, ann: User) -> None:
    ann.mentions("rotate nginx -l environment=stg")
    first, second = until_all_claimed()
    well, ill = stage.begun(first), stage.begun(second)
    well.says("12345 bytes")
    well.ends()
    ill.ends(1)
    shown = str(ann.sees(f"{first['node']}: 12345 bytes")["blocks"])
    assert f"It failed on `{second['node']}`" in shown
    assert "expected" not in shown
    assert talk.refused == []


def test_a_long_preview_is_a_file_for_who_asks_and_for_who_approves(talk: Slack, ann: User) -> None:
    ann.mentions("retire -l environment=stg")
    until_run(lambda node, command: [f"{n} bytes of {command}" for n in range(300)])
    question = ann.sees("the whole, 600 lines, is in the file")
    assert "cellar-1: 0 bytes of weigh" in str(question["blocks"])
    ann.presses("Yes")
    ben, told = talk.user(BEN), "All that the preview of retire said, 600 lines."
    asked, file = until_direct(ben, "must say yes"), until_direct(ben, told)
    assert file["thread_ts"] == asked["ts"]
    said = [one for one in talk.messages("C1") if told in one["text"]]
    assert [one["thread_ts"] for one in said] == [question["thread_ts"]]
    for file in talk.workspace.files.values():
        assert file["content"].decode().splitlines()[599] == "cellar-2: 299 bytes of weigh"
    assert len(talk.workspace.files) == 2
    assert talk.refused == []


def test_a_private_preview_is_written_to_who_asks(talk: Slack, ann: User) -> None:
    ann.mentions("leave -l environment=prd")
    until_run(lambda node, command: ["the code is 1234"])
    assert ann.sees("Only who asked for it may see the preview")["channel"] == "C1"
    assert ann.sees("the code is 1234")["channel"] == ann.direct
    ann.writes("leave -l environment=prd")
    until_run(lambda node, command: ["the code is 5678"])
    assert "Yes" in str(ann.sees("the code is 5678")["blocks"])
    assert not [one for one in talk.messages("C1") if "1234" in str(one)]


def test_what_has_a_preview_is_looked_at_and_repeated_itself(talk: Slack, ann: User) -> None:
    ann.mentions("rotate nginx -l environment=prd")
    until_run(lambda node, command: ["12345 bytes"])
    ann.sees("12345 bytes")
    ann.mentions("last")
    ann.sees("rotate: asked")
    ann.mentions("jobs")
    assert "log-size" not in str(ann.sees("The newest jobs")["blocks"])
    ann.mentions("repeat")
    until_run(lambda node, command: ["54321 bytes"])
    ann.sees("54321 bytes")
    ann.presses("Yes")
    assert [run["arguments"][2] for run in until_run()] == ["rotate"]


def test_wrong_arguments_keep_the_window_open(talk: Slack, ann: User) -> None:
    ann.mentions("version")
    ann.sees("Saltcellar")
    ann.slash("rotate")
    ack = ann.submits("rotate", service="NGINX 1", selector="environment==")
    assert ack.payload["response_action"] == "errors"
    assert set(ack.payload["errors"]) <= {"service", "selector"}
    assert ann.window("rotate")
    ann.submits("rotate", service="nginx", selector="environment=stg")
    ann.sees("the preview is being made")


def test_others_see_only_what_they_may(talk: Slack) -> None:
    ben, eve = talk.user(BEN), talk.user(EVE)
    ben.mentions("help")
    shown = ben.sees("What you may ask for here")
    assert "restart-bot" in str(shown["blocks"])
    assert "rotate" not in str(shown["blocks"])
    ben.mentions("hello -l environment=prd")
    ben.sees("No node fits")
    eve.mentions("")
    eve.sees("You may ask for nothing here. You are T01/U03.")
    eve.mentions("hello")
    eve.sees("I can't do that for you!")
    talk.user("T02/U01").mentions("hello")  # another team's, with an operator's user id
    talk.user("T02/U01").slash("hello")
    eve.mentions("whoami")
    eve.sees("T01/U03")
    assert stage.carry_out() == []


def test_nobody_answers_for_another(talk: Slack, ann: User) -> None:
    ann.mentions("restart-bot my")
    ann.sees("restart-bot on cellar-1")
    talk.user(BEN).presses("Yes")
    talk.user(BEN).sees("That is not yours")
    assert stage.carry_out() == []
    ann.presses("Yes")
    assert len(until_run(lambda node, command: [])) == 1
    ann.sees("All done!")


def test_what_is_private_is_told_in_private(talk: Slack, ann: User) -> None:
    ann.mentions("whisper -l environment=stg")
    ann.sees("whisper")
    until_run(lambda node, command: ["the code is 1234"])
    private = ann.sees("the code is 1234")
    assert private["channel"] == ann.direct
    assert not [one for one in talk.messages("C1") if "1234" in str(one)]
    assert ann.sees("I wrote it to you")["channel"] == "C1"


def test_what_a_private_job_said_is_shown_again_to_them_alone(talk: Slack, ann: User) -> None:
    ann.mentions("whisper -l environment=stg")
    job = until_run(lambda node, command: ["the code is 1234"])[0]["arguments"][0]
    ann.sees("I wrote it to you")
    for word, told in (("logs", f"Job {job}"), ("tail", "The end of"), ("head", "The beginning of")):
        ann.mentions(f"{word} {job}")
        shown = ann.sees(told)
        assert (shown["to"], "1234" in str(shown)) == ("U01", True), word
    ann.writes(f"tail {job}")
    ann.sees("The end of")
    assert not [one for one in talk.messages("C1") if "1234" in str(one)]
    assert talk.refused == []


def test_why_a_private_job_failed_is_told_in_private(talk: Slack, ann: User) -> None:
    ann.mentions("whisper -l environment=stg")
    run = until_claimed()
    stage.begun(run)
    returned = {"job": run["jobs"][0], "attempt": 1, "state": "failed", "error": "The code 1234 is old."}
    runs.result(run["id"], f"jid-{run['id']}", run["node"], returned, False, 1)
    assert ann.sees("The code 1234 is old.")["channel"] == ann.direct
    assert ann.sees("I wrote it to you")["channel"] == "C1"
    for word in ("last", f"job {run['jobs'][0]}"):
        ann.mentions(word)
        assert ann.sees("whisper: failed")["to"] == "U01"
    assert not [one for one in talk.messages("C1") if "1234" in str(one)]
    assert talk.refused == []


def test_a_long_private_output_is_filed_in_private(talk: Slack, ann: User) -> None:
    ann.mentions("whisper -l environment=stg")
    job = until_run(lambda node, command: [f"code {n} {'x' * 50}" for n in range(900)])[0]["arguments"][0]
    ann.sees("I wrote it to you")
    ann.mentions(f"logs {job}")
    ann.sees(f"All that the job {job} said, 900 lines.")
    assert not [one for one in talk.messages("C1") if "code 0" in str(one)]
    assert talk.refused == []


def until_direct(user: User, text: str) -> dict[str, Any]:
    """The first message of the bot to somebody directly that holds a text, once it is there."""
    until = time.monotonic() + 8
    while not (found := [one for one in user.visible() if one["channel"] == user.direct and text in str(one)]):
        assert time.monotonic() < until, text
        time.sleep(0.02)
    return dict(found[0])


def until_run(says: stage.Says = lambda node, command: [], exit_code: int = 0) -> list[dict[str, Any]]:
    """Let the nodes do what is asked for, once it is."""
    until = time.monotonic() + 8
    while not (found := stage.carry_out(says, exit_code)):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def test_long_output_becomes_a_file(talk: Slack, ann: User) -> None:
    ann.mentions("long -l environment=prd")
    until_run(lambda node, command: [f"line {n} <!channel> `x`" for n in range(3_000)])
    done = ann.sees("2960 lines more are in the file")
    assert "line 2999" in str(done["blocks"])
    ann.sees("All that long said, 3000 lines.")
    [file] = talk.workspace.files.values()
    assert file["content"].decode().splitlines()[2_999] == "line 2999 <!channel> `x`"
    assert talk.refused == []


def test_jobs_can_be_looked_at_repeated_and_cancelled(talk: Slack, ann: User) -> None:
    ann.mentions("hello -l environment=prd")
    until_run(lambda node, command: ["first line"])
    ann.sees("All done!")
    ann.mentions("jobs")
    ann.sees("The newest jobs")
    ann.mentions("last")
    assert "hello: succeeded" in str(ann.sees("hello: succeeded")["blocks"])
    ann.mentions("repeat")
    assert [run["node"] for run in until_run(lambda node, command: ["again"])] == ["cellar-3"]
    ann.sees("again")
    ann.mentions("hello -l environment=stg")
    shown = ann.sees("On 2 nodes")
    from pillar_service.store.chat.conversations import Conversation

    job = Conversation.select().order_by(Conversation.created_at.desc()).get().job
    assert shown
    ann.mentions(f"cancel {job[:8]}")
    ann.sees(f"Job {job} is cancelled.")
    assert stage.carry_out() == []
    ann.mentions(f"logs {job}")
    ann.sees("It said nothing.")


def test_what_is_cancelled_while_it_runs_elsewhere_says_where(talk: Slack, ann: User) -> None:
    ann.mentions("hello -l environment=stg")
    job = until_all_claimed()[0]["arguments"][0]
    part = jobs.find(job)
    assert part is not None
    with transaction():
        jobs.Job.update(state="queued", run=None).where(jobs.Job.node == "cellar-2").execute()
        jobs.Job.update(state="running").where(jobs.Job.node == "cellar-1").execute()
    ann.mentions(f"cancel {part.parent}")
    told = str(ann.sees("1 part that waited is cancelled")["blocks"])
    assert "it still runs on cellar-1" in told
    assert f"kill {part.parent}" in told


def telephone(user: str) -> pyotp.TOTP:
    """The second factor of a member's account, which is linked as its owner would."""
    person = pouring.owner(f"{user.lower()}@example.org")
    second_factor.begin(person, "long enough 1")
    waiting = second_factor.pending(person)
    assert waiting is not None
    made = pyotp.TOTP(waiting["secret"])
    second_factor.turn_on(person, made.at(int(time.time()) - 30))
    link = people.invite(people.asker("T01", user))
    people.link(person, link.rpartition("/")[2])
    return made


def test_a_yes_then_a_code_then_an_approval(talk: Slack, ann: User) -> None:
    codes, ben = telephone("U01"), talk.user(BEN)
    ann.mentions("launch -l environment=stg")
    ann.presses("Yes")
    ann.sees("Show me your code!")
    ben.presses("Enter the code")
    ben.submits("One-time code", code=codes.now())
    ben.windows_with("That is not yours")
    ann.presses("Enter the code")
    ann.submits("One-time code", code="000000")
    ann.windows_with("not right")
    ann.presses("Enter the code")
    code = codes.now()
    ann.submits("One-time code", code=code)
    ann.windows_with("Thank you")
    question = ann.sees("must say yes within 30 minutes")
    assert "<@U01>" in str(question["blocks"])
    ann.presses("Approve")
    ann.sees("Nobody approves what they asked for")
    talk.user(EVE).presses("Approve")
    talk.user(EVE).sees("Only somebody with the role friend")
    assert stage.carry_out() == []
    ben.presses("Approve")
    assert len(until_run()) == 2
    ann.sees("All done!")
    assert code not in str(talk.server.calls)
    assert talk.refused == []


def test_an_approval_of_what_was_asked_in_private_is_asked_for_in_private(talk: Slack, ann: User) -> None:
    codes, ben = telephone("U01"), talk.user(BEN)
    ann.writes("launch -l environment=stg")
    ann.presses("Yes")
    ann.presses("Enter the code")
    ann.submits("One-time code", code=codes.now())
    asked = ben.sees("must say yes within 30 minutes")
    assert asked["channel"] == ben.direct
    ben.presses("Decline")
    ann.sees("They said no!")
    ben.sees("cancelled, job")
    assert len([one for one in ben.visible() if one["channel"] == ben.direct]) == 1
    assert stage.carry_out() == []
    assert talk.refused == []


@pytest.mark.parametrize("channel", ["C1", "C7"])
def test_who_may_approve_is_told_wherever_it_was_asked_for(
    talk: Slack, ann: User, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk.workspace.outside.add("C7")  # the bot is no member there
    ann.slash("retire -l environment=stg", channel=channel)
    until_run()
    ann.sees("Preview")
    with transaction():  # it took her a while to say yes
        jobs.Job.update(created_at=time.time() - 500).execute()
    ann.presses("Yes")
    until_direct(talk.user(BEN), "must say yes within 30 minutes")
    talk.user(BEN).presses("Approve", talk.user(BEN).direct)
    assert len(until_run()) == 2
    ann.sees("All done!")


def test_delivered_three_times_it_is_one_job(talk: Slack, ann: User) -> None:
    event = {"type": "app_mention", "user": "U01", "team": "T01", "text": "<@U0BOT> hello -l environment=prd"}
    talk.workspace.begin("C1", "1.1")
    envelope = talk.envelope({**event, "ts": "1.1", "channel": "C1"})
    for n in range(3):
        talk.delivering.once("event", envelope, n)
    ann.sees("On 1 node: `cellar-3`")
    assert len(until_run()) == 1
    ann.sees("All done!")
    assert len([one for one in talk.messages() if "All done" in str(one)]) == 1


def test_where_the_bot_is_no_member_it_answers_directly(talk: Slack, ann: User) -> None:
    talk.workspace.outside.add("C7")
    ann.slash("version", channel="C7")
    assert ann.sees("Saltcellar")["channel"] == ann.direct
    ann.slash("hello -l environment=prd", channel="C7")
    assert ann.sees("On 1 node: `cellar-3`")["channel"] == ann.direct
    until_run(lambda node, command: ["hello there"])
    assert ann.sees("hello there")["channel"] == ann.direct


def test_the_end_is_told_though_the_channel_was_archived_and_the_mention_deleted(talk: Slack, ann: User) -> None:
    first = ann.mentions("hello -l environment=prd")
    ann.sees("On 1 node: `cellar-3`")
    talk.workspace.remove("C1", first)
    until_run(lambda node, command: ["the first"])
    assert ann.sees("All done!")["channel"] == "C1"
    ann.mentions("hello -l environment=stg")
    ann.sees("On 2 nodes")
    talk.workspace.closed.add("C1")
    until_run(lambda node, command: ["the second"])
    assert ann.sees("cellar-2: the second")["channel"] == ann.direct


def test_lines_are_seen_while_it_runs_in_one_message(talk: Slack, ann: User) -> None:
    asked = ann.mentions("hello -l environment=prd")
    running = stage.begun(until_claimed())
    for n in range(1, 4):
        running.says(f"step {n}")
        shown = ann.sees(f"step {n}")
        assert shown["thread_ts"] == asked
    assert "step 1" in str(shown["blocks"])
    assert len([one for one in talk.messages() if "step" in str(one)]) == 1
    running.ends()
    ann.sees("All done!")
    assert talk.refused == []


def test_whoever_waits_long_keeps_nobody_from_being_told(
    talk: Slack, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "AT_ONCE", 1)
    for _ in range(2):
        ann.mentions("restart-bot my")
    ann.sees("restart-bot on cellar-1")
    ann.mentions("hello -l node=cellar-3")
    until_run(lambda node, command: ["hello back"])
    ann.sees("hello back")


def test_others_jobs_and_tokens_are_for_who_may(talk: Slack, ann: User) -> None:
    ben = talk.user("T01/U02")
    ben.mentions("hello to=ben -l node=cellar-1")
    until_run(lambda node, command: ["hi"])
    ben.mentions("token hello to=ben -l node=cellar-1")
    ben.sees("which I tell only now")
    ann.mentions("jobs")
    assert "chat:T01/U02" not in str(ann.sees("The newest jobs")["blocks"])
    for words in ("jobs all", "jobs chat:T01/U02"):
        ann.mentions(words)
        ann.sees("chat:T01/U02")
    ann.mentions("tokens all")
    assert "hello" in str(ann.sees("The tokens")["blocks"])
    ben.mentions("jobs all")
    ben.sees("your own jobs only")
    ben.mentions("tokens chat:T01/U01")
    ben.sees("meeseeks.tokens")
    ben.mentions("jobs of everybody")
    ben.sees("Write 'jobs', 'jobs all'")


def test_aliases_and_tokens(talk: Slack, ann: User) -> None:
    ann.mentions("alias hi hello to=“my friend”")
    ann.sees("hi is short for: hello")
    ann.mentions("hi -l environment=prd")
    ann.sees("• to: `my friend`")
    until_run()
    ann.sees("All done!")
    ann.mentions("aliases")
    ann.sees("hi = hello")
    ann.mentions("unalias hi")
    ann.sees("means nothing any more")
    ann.mentions("token hello to=you -l environment=prd")
    told = ann.sees("which I tell only now")
    assert told["to"] == "U01"
    ann.mentions("tokens")
    listed = ann.sees("Your tokens")
    assert not [one for one in talk.messages() if "only now" in str(one)]
    id = str(listed["blocks"][1]["text"]["text"]).split()[0]
    ann.mentions(f"tokens revoke {id}")
    ann.sees("good for nothing any more")
    assert talk.refused == []


def test_a_token_is_good_for_as_long_as_is_said(talk: Slack, ann: User) -> None:
    for line, days in (
        ("token hello to=a", 30),
        ("token --days 2 hello to=b -l environment=prd", 2),
        ("token —days=366 hello to=c", 366),
    ):
        ann.mentions(line)
        until = time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * 86_400))
        assert "for hello" in str(ann.sees(f"until {until}, which I tell only now")["blocks"])
    for line in ("token --days 367 hello", "token --days many hello", "token --days"):
        ann.mentions(line)
        ann.sees("days" if "hello" in line else "Write 'token LINE' or")
    assert len(tokens.listed(people.asker("T01", "U01"))) == 3


def test_what_only_they_see_is_shown_in_a_thread_that_there_is(talk: Slack, ann: User) -> None:
    ann.mentions("token hello to=you -l environment=prd")
    assert ann.sees("which I tell only now").get("thread_ts") is None
    asked = ann.mentions("whoami")
    ann.sees("You are")
    ann.mentions("token hello to=all -l environment=prd", thread=asked)
    until = time.monotonic() + 8
    while not any(one.get("thread_ts") == asked for one in talk.workspace.ephemerals):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert talk.refused == []


def until_all_claimed() -> list[dict[str, Any]]:
    """The runs that are asked for, claimed."""
    until = time.monotonic() + 8
    while not (found := claims.claim("salt")["runs"]):
        assert time.monotonic() < until
        time.sleep(0.02)
    return [dict(run) for run in found]


def until_claimed() -> dict[str, Any]:
    """The run that is asked for, claimed."""
    return until_all_claimed()[0]


def test_operators_read_the_audit_and_others_do_not(talk: Slack, ann: User) -> None:
    ben = talk.user(BEN)
    ben.mentions("hello")
    until_run()
    ben.mentions("audit")
    ben.sees("None of your roles may run meeseeks.audit")
    ann.mentions("audit actor=chat:T01/U02 action=meeseeks.ask")
    assert "chat:T01/U02" in str(ann.sees("The audit, newest first")["blocks"])
    ann.mentions("audit verify")
    ann.sees("The audit holds")
    with transaction():
        database.db.execute_sql("UPDATE audit_head SET chain = 'x' WHERE id = 1")
    ann.mentions("audit verify")
    ann.sees("The audit was changed")


def test_an_operator_takes_a_lost_second_factor_off(talk: Slack, ann: User) -> None:
    telephone("U02")
    talk.user(BEN).mentions("2fa reset T01/U02")
    talk.user(BEN).sees("None of your roles may run meeseeks.reset")
    ann.mentions("2fa reset T01/U03")
    ann.sees("has said of no account")
    ann.mentions("2fa reset T01/U02")
    ann.sees("u02@example.org has no second factor any more")
    assert not second_factor.is_on(people.account(people.asker("T01", "U02")))


def test_an_operator_ends_that_a_chat_user_is_an_account(talk: Slack, ann: User) -> None:
    telephone("U02")
    talk.user(BEN).mentions("2fa unlink T01/U02")
    talk.user(BEN).sees("None of your roles may run meeseeks.reset")
    ann.mentions("2fa unlink u02@example.org")
    ann.sees("is no chat user")
    ann.mentions("2fa unlink T01/U02")
    ann.sees("is no account any more")
    assert people.selves("chat:T01/U02") == {"chat:T01/U02"}
    assert "No more you in Slack" in str([one.subject for one in mails.Mail.select()])
    ann.mentions("2fa unlink T01/U02")
    ann.sees("has said of no account")


def test_an_operator_has_the_files_read_anew(talk: Slack, ann: User) -> None:
    ann.mentions("reload")
    ann.sees("commands and")
    talk.user(BEN).mentions("reload")
    talk.user(BEN).sees("None of your roles may run meeseeks.reload")
