"""Whole conversations in a Slack faked at the wire, with the real inbox, outbox, catalogue, queue and database."""

import re
import time

import pytest
import stage
from fakes.slack import Slack
from fakes.slack.people import User
from talking import BEN, EVE, telephone, until_all_claimed, until_claimed, until_run

from pillar_service.chatops import asking, following
from pillar_service.chatops import sentences as chat_sentences
from pillar_service.core.chat.personas import Moment, Persona
from pillar_service.core.errors import Conflict
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.leases import Lease
from pillar_service.store.nodes import standings
from pillar_service.usecases.chat import turns
from pillar_service.usecases.jobs import claims, runs
from pillar_service.usecases.meeseeks import catalogue, challenges
from pillar_service.usecases.nodes import presence


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
    ann.mentions("hello -l environment=prd")  # no master asks for jobs
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
    ann.sees("cellar-3 is away: the job begins there if it comes back within 1h.")
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


def test_a_failure_of_a_bots_action_says_why(talk: Slack, ann: User) -> None:
    ann.mentions("restart-bot my")
    ann.presses("Yes")
    run = until_claimed()
    runs.started("salt", run["id"], "j1")
    runs.result(run["id"], "j1", run["node"], "ERROR: The pub did not answer within 60 s.", False, 1)
    ann.sees("The pub did not answer within 60 s.")


def test_a_no_is_a_no(talk: Slack, ann: User) -> None:
    ann.mentions("restart-bot my")
    ann.sees("restart-bot on cellar-1")
    ann.presses("No")
    ann.sees("Okay! restart-bot never happened!")
    assert stage.carry_out() == []


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


def test_who_sent_a_window_is_told_that_it_went_wrong(talk: Slack, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    ann.slash("restart-bot")
    with monkeypatch.context() as broken:
        broken.setattr(asking, "filled", fails)
        ann.submits("restart-bot", bot="my.butt.nz")
        assert ann.sees("Something went wrong on our side")["to"] == "U01"
    codes = telephone("U01")
    ann.mentions("launch -l environment=stg")
    ann.presses("Yes")
    ann.presses("Enter the code")
    monkeypatch.setattr(challenges, "code", fails)
    ann.submits("One-time code", code=codes.now())
    ann.windows_with("Something went wrong on our side")
    assert talk.refused == []


def test_long_output_becomes_a_file(talk: Slack, ann: User) -> None:
    ann.mentions("long -l environment=prd")
    until_run(lambda node, command: [f"line {n} <!channel> `x`" for n in range(3_000)])
    done = ann.sees("2960 more lines are in the file")
    assert "line 2999" in str(done["blocks"])
    ann.sees("The full output of long, 3000 lines.")
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
    ann.sees("No output.")


@pytest.mark.parametrize("force", ["--force", "—force"])
def test_what_runs_is_killed_by_force_however_the_dashes_came(talk: Slack, ann: User, force: str) -> None:
    ann.mentions("hello -l environment=prd")
    run = until_claimed()
    stage.begun(run)
    ann.mentions(f"kill {run['jobs'][0]} {force}")
    ann.sees("is being killed; parts still running: 1.")
    assert until_claimed()["arguments"] == [run["jobs"][0], True]


def test_what_is_cancelled_while_it_runs_elsewhere_says_where(talk: Slack, ann: User) -> None:
    ann.mentions("hello -l environment=stg")
    job = until_all_claimed()[0]["arguments"][0]
    part = jobs.find(job)
    assert part is not None
    with transaction():
        jobs.Job.update(state="queued", run=None).where(jobs.Job.node == "cellar-2").execute()
        jobs.Job.update(state="running").where(jobs.Job.node == "cellar-1").execute()
    ann.mentions(f"cancel {part.parent}")
    told = str(ann.sees("1 waiting part is cancelled")["blocks"])
    assert "it is still running on cellar-1" in told
    assert f"kill {part.parent}" in told


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


def test_what_only_they_see_is_shown_in_a_thread_that_there_is(talk: Slack, ann: User) -> None:
    ann.mentions("token hello to=you -l environment=prd")
    assert ann.sees("I show it only once").get("thread_ts") is None
    asked = ann.mentions("whoami")
    ann.sees("You are")
    ann.mentions("token hello to=all -l environment=prd", thread=asked)
    until = time.monotonic() + 8
    while not any(one.get("thread_ts") == asked for one in talk.workspace.ephemerals):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert talk.refused == []
