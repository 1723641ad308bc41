"""Codes and approvals in Slack: who must agree, and where they are asked."""

import time

import pytest
import stage
from fakes.slack import Slack
from fakes.slack.people import User
from talking import BEN, EVE, telephone, until_direct, until_run

from pillar_service.core.errors import Unavailable
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.usecases.chat import approvers, watching


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
    ann.windows_with("That code is wrong")
    ann.presses("Enter the code")
    code = codes.now()
    ann.submits("One-time code", code=code)
    ann.windows_with("Thank you")
    question = ann.sees("must say yes within 30 minutes")
    assert "<@U01>" in str(question["blocks"])
    ann.presses("Approve")
    ann.sees("You can't approve what you asked for")
    talk.user(EVE).presses("Approve")
    talk.user(EVE).sees("Only somebody with the role friend")
    assert stage.carry_out() == []
    ben.presses("Approve")
    assert len(until_run()) == 2
    ann.sees("All done!")
    assert code not in str(talk.server.calls)
    assert talk.refused == []


def test_a_no_where_a_code_is_asked_for_is_a_no(talk: Slack, ann: User) -> None:
    telephone("U01")
    ann.mentions("launch -l environment=stg")
    ann.presses("Yes")
    ann.sees("Show me your code!")
    ann.presses("No")
    ann.sees("cancelled, job")
    assert stage.carry_out() == []
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
    talk.workspace.outside.add("C7")  # The bot is no member of that channel.
    ann.slash("retire -l environment=stg", channel=channel)
    until_run()
    ann.sees("Preview")
    with transaction():  # She took a while to say yes.
        jobs.Job.update(created_at=time.time() - 500).execute()
    ann.presses("Yes")
    until_direct(talk.user(BEN), "must say yes within 30 minutes")
    talk.user(BEN).presses("Approve", talk.user(BEN).direct)
    assert len(until_run()) == 2
    ann.sees("All done!")


def test_who_may_approve_is_told_though_the_database_was_busy_just_then(
    talk: Slack, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = list[str](), approvers.of

    def busy_at_first(*given: str) -> list[str]:
        asked.append(given[0])
        if len(asked) == 1:
            raise Unavailable("The service's database is busy.")
        return real(*given)

    monkeypatch.setattr(approvers, "of", busy_at_first)
    ann.mentions("retire -l environment=stg")
    until_run()
    ann.sees("Preview")
    ann.presses("Yes")
    until_direct(talk.user(BEN), "must say yes within 30 minutes")
    assert len(asked) == 2


def test_what_it_said_is_read_once_however_many_were_asked_to_approve_it(
    talk: Slack, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, real, ben = list[str](), watching.output, talk.user(BEN)
    ann.mentions("retire -l environment=stg")
    until_run()
    ann.sees("Preview")
    ann.presses("Yes")
    until_direct(ben, "must say yes within 30 minutes")
    monkeypatch.setattr(watching, "output", lambda id: read.append(id) or real(id))
    ben.presses("Approve", ben.direct)
    assert len(until_run(lambda node, command: ["it is gone"])) == 2
    ann.sees("All done!")
    ben.sees("succeeded, job")
    assert len(read) == 1
    assert not [one for one in ben.visible() if one["channel"] == ben.direct and "it is gone" in str(one)]
