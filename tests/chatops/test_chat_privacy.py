"""Who sees what in Slack: private output goes only to the asker, and nobody answers for another."""

import stage
from fakes.slack import Slack
from fakes.slack.people import User
from talking import BEN, EVE, until_claimed, until_run

from pillar_service.usecases.jobs import runs


def test_others_see_only_what_they_may(talk: Slack) -> None:
    ben, eve = talk.user(BEN), talk.user(EVE)
    ben.mentions("help")
    shown = ben.sees("What you may ask for here")
    assert "restart-bot" in str(shown["blocks"])
    assert "rotate" not in str(shown["blocks"])
    ben.mentions("hello -l environment=prd")
    ben.sees("No node fits")
    eve.mentions("")
    eve.sees("There is nothing you may ask for here. You are T01/U03.")
    eve.mentions("hello")
    eve.sees("I can't do that for you!")
    talk.user("T02/U01").mentions("hello")  # someone in another team, with an operator's user id
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
    assert ann.sees("I sent it to you")["channel"] == "C1"


def test_what_a_private_job_said_is_shown_again_to_them_alone(talk: Slack, ann: User) -> None:
    ann.mentions("whisper -l environment=stg")
    job = until_run(lambda node, command: ["the code is 1234"])[0]["arguments"][0]
    ann.sees("I sent it to you")
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
    assert ann.sees("I sent it to you")["channel"] == "C1"
    for word in ("last", f"job {run['jobs'][0]}"):
        ann.mentions(word)
        assert ann.sees("whisper: failed")["to"] == "U01"
    assert not [one for one in talk.messages("C1") if "1234" in str(one)]
    assert talk.refused == []


def test_a_long_private_output_is_filed_in_private(talk: Slack, ann: User) -> None:
    ann.mentions("whisper -l environment=stg")
    job = until_run(lambda node, command: [f"code {n} {'x' * 50}" for n in range(900)])[0]["arguments"][0]
    ann.sees("I sent it to you")
    ann.mentions(f"logs {job}")
    ann.sees(f"The full output of job {job}, 900 lines.")
    assert not [one for one in talk.messages("C1") if "code 0" in str(one)]
    assert talk.refused == []
