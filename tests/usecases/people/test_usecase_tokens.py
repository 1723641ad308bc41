import logging

import pytest
from days import ahead
from pouring import OWNER, carry_out, has_second_factor, operator, owner, poured
from trails import trail

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from pillar_service.core.people.agents import Belonging
from pillar_service.core.people.scopes import Scope, TokenKind
from pillar_service.store import database
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.store.people import accounts as account_rows
from pillar_service.store.people import agents
from pillar_service.store.people import tokens as rows
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.people import accounts, second_factor, tokens

pytestmark = pytest.mark.usefixtures("service")

PASSWORD = "long enough 1"


def aged(id: str, by_s: float) -> None:
    """Make a token ``by_s`` seconds older."""
    with database.transaction():
        changed = rows.Token.update(expires_at=rows.Token.expires_at - by_s).where(rows.Token.id == id)
        assert changed.execute() == 1


def test_who_signs_in_gets_a_token_for_everything_and_only_its_hash_is_kept() -> None:
    person = owner()
    made = tokens.sign_in(OWNER, PASSWORD, None, "127.0.0.1")
    bearer = tokens.authenticate(made["secret"])
    assert (bearer.account, bearer.kind, bearer.scopes) == (person, TokenKind.SESSION, frozenset(Scope))
    assert bearer.actor == f"account:{person}"
    assert made["expires_at"] - made["created_at"] == tokens.SESSION_DAYS * DAY_S
    kept = str(list(rows.Token.select().dicts()))
    assert made["secret"] not in kept
    assert made["prefix"] == made["secret"][: tokens.PREFIX]
    assert made["secret"] not in str(trail(f"agent:{person}")) + str(tokens.listed(person))
    with pytest.raises(Unauthenticated):
        tokens.sign_in(OWNER, "wrong", None, "127.0.0.1")


def test_a_password_that_is_changed_after_it_was_right_gives_no_token_that_is_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = owner()

    def meanwhile(account: str) -> bool:
        with database.transaction():
            account_rows.change(person, password_hash="another")
        return False

    monkeypatch.setattr(second_factor, "is_on", meanwhile)
    made = tokens.sign_in(OWNER, PASSWORD, None, "127.0.0.1")
    with pytest.raises(Unauthenticated, match="changed"):
        tokens.authenticate(made["secret"])


def test_a_token_ends_with_its_time() -> None:
    made = tokens.create(owner(), "ci", ["read"], 1)
    assert tokens.authenticate(made["secret"]).scopes == {Scope.READ}
    aged(made["id"], DAY_S - 60)
    tokens.authenticate(made["secret"])
    aged(made["id"], 61)
    with pytest.raises(Unauthenticated, match="has expired"):
        tokens.authenticate(made["secret"])
    assert tokens.listed(made_for()) == []


def made_for() -> str:
    return str(accounts.found(OWNER).id)


@pytest.mark.parametrize("wrong", ["", "x", "ü", "\ud800", "a" * 10_000])
def test_what_is_no_token_opens_nothing(wrong: str) -> None:
    with pytest.raises((Unauthenticated, UnicodeEncodeError)):
        tokens.authenticate(wrong)


def test_only_its_owner_ends_a_token() -> None:
    person, other = owner(), owner("other@example.org")
    made = tokens.create(person, "ci", ["read"])
    with pytest.raises(NotFound):
        tokens.revoke(other, made["id"])
    tokens.authenticate(made["secret"])
    tokens.revoke(person, made["id"])
    with pytest.raises(Unauthenticated):
        tokens.authenticate(made["secret"])
    for gone in (made["id"], "x", None):
        with pytest.raises(NotFound):
            tokens.revoke(person, gone)
    assert [row["action"] for row in trail(f"agent:{person}")][-2:] == ["tokens.create", "tokens.revoke"]


def test_a_new_password_ends_sessions_and_leaves_programs_be() -> None:
    person = owner()
    session = tokens.sign_in(OWNER, PASSWORD, None, "127.0.0.1")
    program = tokens.create(person, "ci", ["read"])
    with database.transaction():
        account_rows.change(person, password_hash="$argon2id$another")
    tokens.authenticate(program["secret"])
    with pytest.raises(Unauthenticated, match="password"):
        tokens.authenticate(session["secret"])


def test_a_personal_token_makes_no_other() -> None:
    person = owner()
    session = tokens.authenticate(tokens.sign_in(OWNER, PASSWORD, None, "127.0.0.1")["secret"])
    made = tokens.create(person, "all", list(Scope), 1)
    tokens.refuse_programs(session)
    with pytest.raises(Forbidden, match="sign in"):
        tokens.refuse_programs(tokens.authenticate(made["secret"]))


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [
        ("x", [], 1), ("x", ["king"], 1), ("x", "read", 1), ("x", [None], 1), ("x", ["read"], 0),
        ("x", ["read"], 367), ("x", ["read"], "soon"), ("x\n", ["read"], 1), ("x" * 101, ["read"], 1),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_token_is_said(name: str, scopes: object, days: object) -> None:
    person = owner()
    with pytest.raises(Invalid):
        tokens.create(person, name, scopes, days)
    assert tokens.listed(person) == []


def test_there_are_only_so_many() -> None:
    person, most = owner(), tokens.MOST[TokenKind.PERSONAL]
    made = [tokens.create(person, f"n{n}", ["read"])["id"] for n in range(most)]
    with pytest.raises(Conflict, match="end one"):
        tokens.create(person, "one more", ["read"])
    tokens.create(owner("other@example.org"), "mine", ["read"])
    aged(made[0], 366 * DAY_S)
    tokens.create(person, "one more", ["read"])


def test_one_session_too_many_ends_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    person = owner()
    monkeypatch.setitem(tokens.MOST, TokenKind.SESSION, 2)
    made = [tokens.sign_in(OWNER, PASSWORD, None, "127.0.0.1") for _ in range(3)]
    assert [token["id"] for token in tokens.listed(person)] == [token["id"] for token in made[1:]]


def test_a_session_from_while_the_clock_was_ahead_is_over_once_it_is_right() -> None:
    person = owner()
    with ahead(365 * DAY_S):
        made = tokens.sign_in(OWNER, PASSWORD, None, "127.0.0.1")
        tokens.authenticate(made["secret"])
    with pytest.raises(Unauthenticated, match="has expired"):
        tokens.authenticate(made["secret"])
    assert tokens.listed(person) == []


def test_sessions_from_while_the_clock_was_ahead_take_no_place_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    owner()
    monkeypatch.setitem(tokens.MOST, TokenKind.SESSION, 2)
    with ahead(365 * DAY_S):
        for _ in range(2):
            tokens.sign_in(OWNER, PASSWORD, None, "127.0.0.1")
    for made in [tokens.sign_in(OWNER, PASSWORD, None, "127.0.0.1") for _ in range(2)]:
        tokens.authenticate(made["secret"])


def test_use_is_noted_once_a_minute() -> None:
    person = owner()
    made = tokens.create(person, "ci", ["read"])
    assert tokens.listed(person)[0]["last_used_at"] is None
    tokens.authenticate(made["secret"])
    first = tokens.listed(person)[0]["last_used_at"]
    tokens.authenticate(made["secret"])
    assert tokens.listed(person)[0]["last_used_at"] == first > 0
    with database.transaction():
        rows.used(made["id"], first - tokens.NOTED_EVERY_S - 1)
    tokens.authenticate(made["secret"])
    assert tokens.listed(person)[0]["last_used_at"] >= first


def test_a_job_is_shown_to_who_sees_its_bot_and_its_result_to_who_might_have_asked() -> None:
    person, other = owner(), owner("other@example.org")
    boss = has_second_factor(operator())
    poured()
    id = jobs.submit(f"account:{person}", "bots.logs", "my")["job"]["id"]
    invite = jobs.submit(f"account:{person}", "bots.invite", "my", {"note": "my lover"})["job"]["id"]
    while carry_out():
        pass
    assert jobs.show_to(person, invite)["job"]["result"] == {"done": True}
    assert jobs.show_to(boss, id)["job"]["result"] == {"done": True}
    assert jobs.show_to(boss, invite)["job"]["result"] is None
    for told in (jobs.show_to(boss, invite)["job"], *jobs.listed_to(boss, "my")):
        assert "lover" not in str(told)
    assert jobs.listed_to(boss) == []
    assert {told["id"] for told in jobs.listed_to(person)} >= {id, invite}
    with pytest.raises(NotFound):
        jobs.show_to(other, id)


def test_jobs_of_many_bots_are_told_by_as_many_questions_as_those_of_one_each_as_may_be_seen(
    caplog: pytest.LogCaptureFixture,
) -> None:
    person, other = owner(), owner("other@example.org")
    poured("mine")
    caplog.set_level(logging.DEBUG, "peewee")

    def asked() -> int:
        caplog.clear()
        jobs.listed_to(person)
        return len(caplog.records)

    first = asked()
    for name in ("more-0", "more-1", "more-2"):
        shared = poured(name, email="other@example.org")["id"]
        exported = jobs.submit(f"account:{other}", "bots.export", shared)["job"]["id"]
        with database.transaction():
            job_rows.change(exported, result={"who": "its owner alone"})
            agents.join(person, shared, Belonging.MEMBER)
    assert asked() == first
    told = {(job["bot_name"], job["command"]): job["result"] for job in jobs.listed_to(person)}
    assert {name for name, _ in told} == {"mine", "more-0", "more-1", "more-2"}
    assert (told["mine", "bots.create"] is None, told["more-0", "bots.export"]) == (False, None)
    assert {str(job["result"]) for job in jobs.listed_to(other)} > {"{'who': 'its owner alone'}"}


def test_who_deleted_a_bot_sees_the_job_to_its_end() -> None:
    from pillar_service.usecases.bots import bots

    person, other = owner(), owner("other@example.org")
    poured()
    job = bots.delete(f"account:{person}", "my", True)["job"]["id"]
    carry_out()
    assert jobs.show_to(person, job)["job"]["state"] == "succeeded"
    with pytest.raises(NotFound):
        jobs.show_to(other, job)
