"""What operators can ask for in Slack besides commands: others' jobs, tokens, the audit, people, the files."""

import time

from fakes.slack import Slack
from fakes.slack.people import User
from talking import BEN, telephone, until_run

from pillar_service.store import database
from pillar_service.store.database import transaction
from pillar_service.store.people import mails
from pillar_service.usecases.meeseeks import people, tokens
from pillar_service.usecases.people import second_factor


def test_others_jobs_and_tokens_are_for_who_may(talk: Slack, ann: User) -> None:
    ben = talk.user("T01/U02")
    ben.mentions("hello to=ben -l node=cellar-1")
    until_run(lambda node, command: ["hi"])
    ben.mentions("token hello to=ben -l node=cellar-1")
    ben.sees("I show it only once")
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
    ann.sees("is no longer an alias")
    ann.mentions("token hello to=you -l environment=prd")
    told = ann.sees("I show it only once")
    assert told["to"] == "U01"
    ann.mentions("tokens")
    listed = ann.sees("Your tokens")
    assert not [one for one in talk.messages() if "only once" in str(one)]
    id = str(listed["blocks"][1]["text"]["text"]).split()[0]
    ann.mentions(f"tokens revoke {id}")
    ann.sees("no longer works")
    assert talk.refused == []


def test_a_token_is_good_for_as_long_as_is_said(talk: Slack, ann: User) -> None:
    for line, days in (
        ("token hello to=a", 30),
        ("token --days 2 hello to=b -l environment=prd", 2),
        ("token —days=366 hello to=c", 366),
    ):
        ann.mentions(line)
        until = time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * 86_400))
        assert "for hello" in str(ann.sees(f"until {until}. I show it only once")["blocks"])
    for line in ("token --days 367 hello", "token --days many hello", "token --days"):
        ann.mentions(line)
        ann.sees("days" if "hello" in line else "Write 'token LINE' or")
    assert len(tokens.listed(people.asker("T01", "U01"))) == 3


def test_operators_read_the_audit_and_others_do_not(talk: Slack, ann: User) -> None:
    ben = talk.user(BEN)
    ben.mentions("hello")
    until_run()
    ben.mentions("audit")
    ben.sees("None of your roles may run meeseeks.audit")
    ann.mentions("audit actor=chat:T01/U02 action=meeseeks.ask")
    assert "chat:T01/U02" in str(ann.sees("The audit, newest first")["blocks"])
    ann.mentions("audit verify")
    ann.sees("The audit is intact")
    with transaction():
        database.db.execute_sql("UPDATE audit_head SET chain = 'x' WHERE id = 1")
    ann.mentions("audit verify")
    ann.sees("The audit was changed")


def test_an_operator_takes_a_lost_second_factor_off(talk: Slack, ann: User) -> None:
    telephone("U02")
    talk.user(BEN).mentions("2fa reset T01/U02")
    talk.user(BEN).sees("None of your roles may run meeseeks.reset")
    ann.mentions("2fa reset T01/U03")
    ann.sees("has not linked an account")
    ann.mentions("2fa reset T01/U02")
    ann.sees("The second factor of u02@example.org is off")
    assert not second_factor.is_on(people.account(people.asker("T01", "U02")))


def test_an_operator_ends_that_a_chat_user_is_an_account(talk: Slack, ann: User) -> None:
    telephone("U02")
    talk.user(BEN).mentions("2fa unlink T01/U02")
    talk.user(BEN).sees("None of your roles may run meeseeks.reset")
    ann.mentions("2fa unlink u02@example.org")
    ann.sees("is not a chat user")
    ann.mentions("2fa unlink T01/U02")
    ann.sees("is no longer linked to an account")
    assert people.selves("chat:T01/U02") == {"chat:T01/U02"}
    assert "A user in Slack is no longer linked to your account" in str([one.subject for one in mails.Mail.select()])
    ann.mentions("2fa unlink T01/U02")
    ann.sees("has not linked an account")


def test_an_operator_has_the_files_read_anew(talk: Slack, ann: User) -> None:
    ann.mentions("reload")
    ann.sees("commands and")
    talk.user(BEN).mentions("reload")
    talk.user(BEN).sees("None of your roles may run meeseeks.reload")
