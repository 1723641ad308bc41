"""What people type, forge, edit and resend: each gets a clear answer or none, and the process survives."""

import time

import pytest
import stage
from fakes.slack import Slack
from fakes.slack.people import User
from talking import BEN, EVE, until_run


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('restart-bot "my', "is never closed"),
        ("“restart-bot” “my", "is never closed"),
        ("restart-bt my", "did you mean restart-bot"),
        ("hello to=a to=b", "was given twice"),
        ("hello --", "On 3 nodes"),
        ("hello -x", "There is no option"),
        ("hello a b", "one argument too many"),
        ("hello -l environment==", "environment"),
        ("!", "There is no command"),
        ("x" * 5_000, "at most 4000 are allowed"),
        ("hello " + "x" * 40_000, "at most 4000 are allowed"),
        ("🧂" * 20_000, "at most 4000 are allowed"),
        ("", "I'm Mr Meeseeks! Look at me!"),
        ("=", "There is no command"),
        ("=hello", "There is no command"),
        ("hello =", "On 3 nodes"),
        ("hello to==", "On 3 nodes"),
        ("hello —to you", "On 3 nodes"),
        ("hello target=*", "takes no argument"),
        ("hello tgt=* tgt_type=glob", "takes no argument"),
        ("hello -l *", "is wrong at character"),
        ("hello -l 'node=cellar-1 or node=cellar-3'", "is wrong at character"),
        ("hello -l", "--selector needs a value"),
        ("hello; reboot", "There is no command"),
        ("help $(reboot)", "There is no command"),
        ("alias", "Write 'alias NAME LINE'"),
        ("unalias", "Write 'unalias NAME'"),
        ("token", "Write 'token LINE'"),
        ("tokens revoke", "Write 'tokens', or"),
        ("2fa", "Write '2fa enrol'"),
        ("audit what=*", "Write 'audit'"),
        ("tail ../../etc/passwd", "There is no job"),
        ("🧂" * 500, "There is no command"),
        ("<!channel>", "There is no command"),
        ("restart-bot nobody", "There is no bot"),
        ("job zz", "There is no job"),
        ("job", "Say which job"),
        ("restart-bot", "restart-bot needs arguments"),
        ("hello 'it''s' x=", "takes no argument"),
        ("hello to=“a=b”", "On 3 nodes"),
    ],
)
def test_every_line_gets_a_clear_answer(talk: Slack, ann: User, line: str, told: str) -> None:
    ann.mentions(line)
    answer = ann.sees(told)
    assert "<!channel>" not in str(answer)
    ann.writes("version")
    ann.sees("Saltcellar")
    assert talk.refused == []


@pytest.mark.parametrize(
    "wider",
    [
        "environment=prd",
        "node=cellar-3",
        "environment in (prd,stg),environment=prd",
        "environment!=stg",
        "environment notin (stg)",
    ],
)
def test_nobody_reaches_a_node_that_is_not_theirs(talk: Slack, wider: str) -> None:
    ben = talk.user(BEN)
    ben.mentions(f"hello -l '{wider}'")
    ben.sees("No node fits")
    assert stage.carry_out() == []


def test_a_wide_selector_means_no_more_than_ones_own_nodes(talk: Slack) -> None:
    ben = talk.user(BEN)
    ben.mentions("hello -l environment")
    ben.sees("On 2 nodes: `cellar-1`, `cellar-2`")
    assert {run["node"] for run in stage.carry_out()} == {"cellar-1", "cellar-2"}


def test_a_name_is_nobody(talk: Slack, ann: User) -> None:
    eve = talk.user(EVE)
    eve.name = ann.name  # names can be chosen freely
    eve.mentions("hello", username=ann.name, user_profile={"name": "U01", "real_name": "T01/U01", "team": "T01"})
    eve.sees("I can't do that for you!")
    eve.slash("hello")
    eve.slash("hello", command="/meeseeks")
    forged = {"bot_id": "B1", "username": ann.name, "user_profile": {"id": "U01"}}
    ann.mentions("hello", **forged)  # a bot that calls itself an operator, even with an operator's id
    ann.writes("hello", subtype="bot_message", **forged)
    ann.writes("hello", subtype="message_changed", edited={"user": "U01", "ts": "1.1"})
    ann.writes("hello", subtype="message_deleted", previous_message={"user": "U01", "text": "hello"})
    talk.user("T02/U01").mentions("hello")
    talk.user("T02/U01").slash("hello")
    eve.writes("version")
    eve.sees("Saltcellar")
    assert stage.carry_out() == []
    assert talk.refused == []


def test_what_was_edited_or_deleted_since_runs_as_it_was_said(talk: Slack, ann: User) -> None:
    ts = ann.mentions("hello to=first -l environment=prd")
    ann.sees("On 1 node")
    edited = {"ts": ts, "message": {"user": "U01", "text": "<@U0BOT> hello to=second", "ts": ts}}
    talk.event({"type": "message", "subtype": "message_changed", "channel": "C1", "event_ts": "9.1", **edited})
    talk.event({"type": "message", "subtype": "message_deleted", "channel": "C1", "event_ts": "9.2", "deleted_ts": ts})
    ann.writes("version")
    ann.sees("Saltcellar")
    [run] = until_run()
    assert run["arguments"][3] == {"to": "first"}
    assert stage.carry_out() == []


def answer_to(talk: Slack, ts: str) -> str:
    """Wait for the first answer in a thread; return its text."""
    until = time.monotonic() + 8
    while not (found := [one for one in talk.messages() if one.get("thread_ts") == ts]):
        assert time.monotonic() < until
        time.sleep(0.01)
    return str(found[0])


def test_each_word_about_a_job_is_answered_and_shows_nobody_elses(talk: Slack, ann: User) -> None:
    ann.mentions("hello -l environment=prd")
    job = until_run(lambda node, command: [f"{command} on {node}"])[0]["arguments"][0]
    ann.sees("All done!")
    for word, told in {
        f"job {job}": f"Job {job}", "last": f"Job {job}", f"logs {job[:8]}": f"Job {job}", f"tail {job[:8]}": "The end of",
        f"head {job}": "The beginning of", f"cancel {job}": "It is over already", f"kill {job}": "It is over already",
        f"repeat {job}": "On 1 node: `cellar-3`",
    }.items():  # fmt: skip
        assert told in answer_to(talk, ann.mentions(word)), word
    for word in ("job", "logs", "tail", "head", "cancel", "kill", "repeat"):
        assert "There is no job" in answer_to(talk, talk.user(BEN).mentions(f"{word} {job}")), word
    assert "You have not asked for anything yet" in answer_to(talk, talk.user(BEN).mentions("last"))
