"""Tokens for commands, and aliases."""

from typing import Any

import pytest
from chatting import (
    ANN,
    BEN,
    COMMANDS,
    DORA,
    ROLES,
    SECRET,
    ZOE,
    begin,
    chat,
    claim_all,
    everything,
    finish,
    keep,
    link,
    said,
    state,
)
from pouring import owner

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthenticated
from pillar_service.core.meeseeks.catalogue import Requires
from pillar_service.core.people.limits import PER_ACCOUNT, Tried
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.meeseeks import command_tokens as rows
from pillar_service.usecases.meeseeks import aliases, asking, by_token, tokens
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.people import accounts

pytestmark = pytest.mark.usefixtures("service", "_scene")


def make(line: str, id: str = ANN, **more: object) -> str:
    return str(tokens.make(chat(id), line, **more)["secret"])  # type: ignore[arg-type]


def test_a_token_runs_its_command_as_who_made_it() -> None:
    made = tokens.make(chat(), "say hi -l disk=ssd", 1, "nightly")
    assert made["expires_at"] - made["created_at"] == DAY_S
    job = by_token.run(made["secret"], {})["job"]
    assert (job["actor"], job["node"], job["arguments"]) == ("chat:T01/U01", "cellar-1", {"text": "hi"})
    [run] = claim_all()
    begin(run)
    finish(run)
    assert by_token.show(made["secret"], job["id"])["job"]["state"] == "succeeded"
    assert [(row.actor, row.detail) for row in said("meeseeks.token_run")] == [("chat:T01/U01", f"token {made['id']}")]
    assert tokens.listed(chat())[0]["last_used_at"]


def test_a_token_that_is_revoked_while_it_is_read_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made, wish = tokens.make(chat(), "any"), asking.wish

    def meanwhile(*told: Any) -> asking.Wish:
        tokens.revoke(chat(), made["id"])
        return wish(*told)

    monkeypatch.setattr(asking, "wish", meanwhile)
    with pytest.raises(Unauthenticated, match="was revoked"):
        by_token.run(made["secret"], {})
    assert (jobs.of_commands(None, 9), said("meeseeks.ask"), said("meeseeks.token_run")) == ([], [], [])


def test_a_secret_of_a_token_is_told_once_and_its_life_is_thirty_days() -> None:
    made = tokens.make(chat(), "any")
    assert made["expires_at"] - made["created_at"] == 30 * DAY_S
    kept = str(list(rows.CommandToken.select().dicts())) + str(tokens.listed(chat())) + everything()
    assert made["secret"] not in kept
    assert tokens.listed(chat())[0]["prefix"] == made["secret"][:8]


def test_what_is_pinned_can_not_be_given_and_the_rest_must_be() -> None:
    secret = make("say hi")
    for given in ({"text": "other"}, {"text": "hi"}, {"shout": "yes"}):
        with pytest.raises(Invalid):
            by_token.run(secret, given)
    open_one = make("say")
    with pytest.raises(Invalid, match="text is missing"):
        by_token.run(open_one, {})
    assert by_token.run(open_one, {"text": "ho"})["job"]["arguments"] == {"text": "ho"}
    assert len(jobs.of_commands(None, 9)) == 1


def test_a_secret_argument_is_given_at_each_use_and_never_pinned() -> None:
    with pytest.raises(Invalid, match="can't be pinned") as raised:
        make(f"log-in {SECRET}")
    assert SECRET not in str(raised.value)
    by_token.run(make("log-in"), {"password": SECRET})
    assert SECRET not in everything()
    [run] = claim_all()
    assert begin(run) == {"password": SECRET}


@pytest.mark.parametrize("line", ["sure", "coded", "deploy", "whole"])
def test_what_waits_for_a_person_has_no_token(line: str) -> None:
    with pytest.raises(Forbidden, match="no token can give"):
        make(line)


def test_what_waits_for_a_person_since_is_refused_at_use() -> None:
    secret = make("any")
    stricter = [one for one in COMMANDS if one.name != "any"]
    old = next(one for one in COMMANDS if one.name == "any")
    keep(commands=[*stricter, type(old)(**{**vars(old), "requires": Requires(confirm=True)})])
    with pytest.raises(Forbidden, match="no token can give"):
        by_token.run(secret, {})
    keep(commands=stricter)
    with pytest.raises(NotFound):
        by_token.run(secret, {})
    assert jobs.of_commands(None, 9) == []


def test_roles_decide_at_each_use() -> None:
    secret = make("say hi")
    by_token.run(secret, {})
    keep(roles=ROLES[1:])
    with pytest.raises(Forbidden, match="No role"):
        by_token.run(secret, {})
    assert [row.actor for row in said("meeseeks.denied")] == ["chat:T01/U01"]


def test_who_may_not_run_it_gets_no_token_and_nobody_a_wider_one() -> None:
    for line, id in (("any", ZOE), ("any", BEN)):
        with pytest.raises(Forbidden):
            make(line, id)
    with pytest.raises(NotFound):
        by_token.run(make("say hi -l environment=prd"), {})
    with pytest.raises(Forbidden, match="neither"):
        tokens.make(Asker("operator:root"), "any")


def test_a_token_ends_with_its_time_its_revocation_and_its_makers_account() -> None:
    old, gone, held = make("any"), make("any"), make("any")
    with database.transaction():
        first = tokens.listed(chat())[0]["id"]
        rows.CommandToken.update(expires_at=1.0).where(rows.CommandToken.id == first).execute()
    tokens.revoke(chat(), tokens.listed(chat())[0]["id"])
    for secret in (old, gone, "", "x", "ü" * 9000, "\ud800"):
        with pytest.raises(Unauthenticated):
            by_token.run(secret, {})
        with pytest.raises(Unauthenticated):
            by_token.show(secret, "f" * 16)
    link(ANN, owner("ann@example.org"))
    job = by_token.run(held, {})["job"]["id"]
    accounts.set_state("test", "ann@example.org", "suspended")
    for use in (lambda: by_token.run(held, {}), lambda: by_token.show(held, job)):
        with pytest.raises(Forbidden, match="suspended"):
            use()


def test_a_token_sees_its_own_jobs_alone() -> None:
    one, other = make("any"), make("any")
    job = by_token.run(one, {}, "k")["job"]["id"]
    mine = asking.ask(chat(), asking.wish(chat(), "any", {}))["job"]["id"]
    for secret, id in ((other, job), (one, mine), (one, "f" * 16), (one, "zzzz")):
        with pytest.raises(NotFound):
            by_token.show(secret, id)
    assert by_token.show(one, job)["job"]["id"] == job


def test_the_same_key_is_one_job_of_one_token() -> None:
    one, other = make("any"), make("any")
    ids = {by_token.run(one, {}, "k")["job"]["id"] for _ in range(3)}
    assert len(ids) == 1
    assert by_token.run(other, {}, "k")["job"]["id"] not in ids
    assert by_token.run(one, {})["job"]["id"] not in ids
    open_one = make("say")
    by_token.run(open_one, {"text": "a"}, "k")
    with pytest.raises(Conflict):
        by_token.run(open_one, {"text": "b"}, "k")


def test_a_token_runs_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PER_ACCOUNT, Tried.RUN, 2)
    secret, other = make("any"), make("any")
    for _ in range(2):
        by_token.run(secret, {})
    with pytest.raises(TooMany):
        by_token.run(secret, {})
    by_token.run(other, {})


def test_only_who_made_it_or_who_has_the_privilege_sees_and_ends_a_token() -> None:
    make("any")
    [mine] = tokens.listed(chat())
    assert tokens.listed(chat(BEN)) == []
    for of in ("*", "chat:T01/U01"):
        with pytest.raises(Forbidden):
            tokens.listed(chat(BEN), of)
        assert [one["id"] for one in tokens.listed(chat(DORA), of)] == [mine["id"]]
    for id in (mine["id"], "x", None):
        with pytest.raises(NotFound):
            tokens.revoke(chat(BEN), id)
    tokens.revoke(chat(DORA), mine["id"])
    assert tokens.listed(chat()) == []
    assert [row.action for row in said("meeseeks.token_revoke")] == ["meeseeks.token_revoke"]


def test_there_are_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 2)
    for _ in range(2):
        make("any")
    with pytest.raises(Conflict, match="revoke one"):
        make("any")
    for days in (0, 367, "soon"):
        with pytest.raises(Invalid):
            make("any", days=days)
    for wrong in ("", "nothing-like-it", "say 'hi", "say a b", "say shout=yes", "one on=../x"):
        with pytest.raises((Invalid, NotFound)):
            make(wrong)


def test_a_token_counts_as_asked_where_it_was_made() -> None:
    secret = str(tokens.make(chat(ANN, "direct"), "quiet")["secret"])
    assert by_token.run(secret, {})["job"]["state"] == "queued"
    found = jobs.of_commands(None, 1)[0]
    assert found.plan["channel"] == "direct"
    assert state({"id": found.id}) == "queued"


def test_an_alias_stands_for_the_beginning_of_a_line_once() -> None:
    aliases.alias(chat(), "Hello", 'say "good day" -l disk=ssd')
    assert aliases.listed(chat()) == {"hello": 'say "good day" -l disk=ssd'}
    assert aliases.expanded(chat(), "  HELLO  -l environment=tests") == (
        'say "good day" -l disk=ssd -l environment=tests'
    )
    assert asking.read(chat(), aliases.expanded(chat(), "hello")).nodes == ("cellar-1",)
    for other in ("say hello", "hello2", "", "  ", "'hello'", "x" * 5000):
        assert aliases.expanded(chat(), other) == other
    assert aliases.expanded(chat(BEN), "hello") == "hello"
    aliases.alias(chat(), "hello", "any")
    assert aliases.expanded(chat(), "hello") == "any"
    aliases.unalias(chat(), "HELLO")
    with pytest.raises(NotFound):
        aliases.unalias(chat(), "hello")
    assert aliases.listed(chat()) == {}


def test_an_alias_of_an_alias_is_refused_and_nothing_goes_round() -> None:
    aliases.alias(chat(), "a1", "say a2")
    with pytest.raises(Invalid, match="is not a command"):
        aliases.alias(chat(), "a2", "a1 x")
    assert aliases.expanded(chat(), "a1") == "say a2"


@pytest.mark.parametrize("name", ["say", "help", "2fa", "yes", "", "a b", "-x", "ü", "a" * 41, "a\n", "a=b", "jobs"])
def test_an_alias_hides_nothing(name: str) -> None:
    with pytest.raises(Invalid):
        aliases.alias(chat(), name, "any")


@pytest.mark.parametrize("line", ["", "  ", "nothing", "say 'hi", "x" * 5000])
def test_an_alias_is_a_line_that_can_be_read(line: str) -> None:
    with pytest.raises(Invalid):
        aliases.alias(chat(), "mine", line)


@pytest.mark.parametrize("before", ["", "token ", "TOKEN  ", "alias other ", "token alias other ", "repeat "])
@pytest.mark.parametrize("secretive", ["log-in password={}", "Log-In {}", "'log-in' {}"])
def test_an_alias_holds_no_secret_wherever_it_stands(before: str, secretive: str) -> None:
    with pytest.raises(Invalid, match="log-in takes a secret"):
        aliases.alias(chat(), "mine", before + secretive.format(SECRET))
    assert aliases.listed(chat()) == {}


def test_an_alias_holds_no_secret_in_quotes_either() -> None:
    with pytest.raises(Invalid, match="log-in takes a secret"):
        aliases.alias(chat(), "mine", f"token 'log-in password={SECRET}'")


def test_a_word_that_is_called_like_such_a_command_is_no_secret() -> None:
    aliases.alias(chat(), "mine", "say log-in")
    aliases.alias(chat(), "make", "token")
    assert aliases.listed(chat()) == {"make": "token", "mine": "say log-in"}


def test_a_command_that_came_since_goes_before_an_alias() -> None:
    aliases.alias(chat(), "fresh", "any")
    keep(commands=[*COMMANDS, type(COMMANDS[2])(**{**vars(COMMANDS[2]), "name": "fresh"})])
    assert aliases.expanded(chat(), "fresh") == "fresh"


def test_there_are_only_so_many_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases, "MOST", 1)
    aliases.alias(chat(), "a1", "any")
    aliases.alias(chat(), "a1", "say hi")
    with pytest.raises(Conflict, match="unalias"):
        aliases.alias(chat(), "a2", "any")
