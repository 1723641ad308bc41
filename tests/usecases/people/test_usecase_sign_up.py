import logging
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import argon2
import chatting
import pytest
from chatting import scene
from days import ahead
from pouring import OWNER, owner, poured

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated
from pillar_service.core.meeseeks.roles import Caller
from pillar_service.core.people.limits import PER_NETWORK, Tried, network
from pillar_service.store import database
from pillar_service.store.people.mails import Mail
from pillar_service.store.people.tickets import Ticket
from pillar_service.usecases.bots import bots
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.meeseeks import by_token
from pillar_service.usecases.meeseeks import people as chat
from pillar_service.usecases.meeseeks import tokens as command_tokens
from pillar_service.usecases.people import accounts, leaving, passwords, profile, resetting, sessions, sign_up, tokens
from pillar_service.usecases.people.codes import check

PASSWORD = "quince teapot walrus 7"
NEW, HERE = "new@example.org", "192.0.2.7"


@pytest.fixture(autouse=True)
def _mailed(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CELLAR_MAIL", f"file://{tmp_path}/mailbox")
    service()


@pytest.fixture
def _no_mail(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, _mailed: None) -> None:
    monkeypatch.setenv("CELLAR_MAIL", "")
    service()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], Any]], list[str]]]:
    """What takes noticeable time in an act: each argon2 call and each statement, in order."""
    seen: list[str] = []
    for name in ("hash", "verify"):
        real = getattr(argon2.PasswordHasher, name)

        def counted(*given: Any, real: Any = real, name: str = name) -> Any:
            seen.append(name)
            return real(*given)

        monkeypatch.setattr(f"argon2.PasswordHasher.{name}", counted)

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            statement = record.msg[0] if isinstance(record.msg, tuple) else str(record.msg)
            seen.append(re.sub(r"\(\(.*\)\)", "", statement)[:200])

    listener, logger = Listener(), logging.getLogger("peewee")
    level = logger.level
    logger.addHandler(listener)
    logger.setLevel(logging.DEBUG)

    def of(act: Callable[[], Any]) -> list[str]:
        seen.clear()
        act()
        return list(seen)

    yield of
    logger.removeHandler(listener)
    logger.setLevel(level)


def link(recipient: str = NEW) -> str:
    found = re.search(r"/(?:welcome|reset|verify)/(\S+)", mail_to(recipient).text)
    assert found
    return found[1]


def mail_to(recipient: str = NEW) -> Mail:
    found: Mail = Mail.select().where(Mail.recipient == recipient).order_by(Mail.created_at.desc()).get()
    return found


def begun(email: str = NEW, password: str = PASSWORD) -> str:
    return sign_up.start(email, password, HERE)["newbie"]


def test_a_newcomer_has_an_account_and_a_bot_after_the_link() -> None:
    token = begun("New@Example.org")
    assert sign_up.begun(token) == NEW
    assert sign_up.ask(token, "Ann", "garden", HERE) is None
    assert accounts.listed() == []
    assert bots.listed() == []
    id = sign_up.finish(link(), "garden", "", token).account
    assert accounts.show(id)["verified"]
    assert [bot["name"] for bot in bots.listed(account=id)] == ["garden"]
    assert jobs.listed()[0]["actor"] == f"account:{id}"
    assert sign_up.start(NEW, PASSWORD, HERE)["account"].account == id


def test_the_link_works_once() -> None:
    token = begun()
    sign_up.ask(token, "Ann", "garden", HERE)
    used = link()
    sign_up.finish(used, "garden", "", token)
    for again in (used, "", "x" * 43, "ü"):
        with pytest.raises(NotFound):
            sign_up.finish(again, "other", PASSWORD, token)
    assert len(accounts.listed()) == 1


def test_a_known_address_and_an_unknown_one_cost_and_look_the_same(work: Any) -> None:
    owner()
    costs, answers = [], []
    for email in (OWNER, NEW):
        kept: dict[str, Any] = {}

        def start(email: str = email, kept: dict[str, Any] = kept) -> None:
            kept.update(sign_up.start(email, PASSWORD, HERE))

        def ask(kept: dict[str, Any] = kept, email: str = email) -> None:
            kept["answer"] = sign_up.ask(kept["newbie"], "Ann", f"bot-{len(email)}", HERE)

        costs.append((work(start), work(ask)))
        answers.append((set(kept), len(kept["newbie"]), kept["answer"]))
    assert costs[0] == costs[1]
    assert answers[0] == answers[1]
    assert costs[0][0].count("verify") == costs[0][0].count("hash") == 1
    assert len(costs[0][1]) > 5
    assert "/welcome/" in mail_to(NEW).text
    assert "/welcome/" not in mail_to(OWNER).text
    assert "tried to register" in mail_to(OWNER).text


def test_nobodys_password_is_as_dear_to_judge_as_anybodys(service: Callable[[], None]) -> None:
    assert passwords.nobodys() != passwords.nobodys()
    kept, nobodys = argon2.extract_parameters(passwords.hashed("x")), argon2.extract_parameters(passwords.nobodys())
    assert nobodys == kept
    assert kept.memory_cost == 64, "the setting counts"
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        argon2.PasswordHasher().verify(passwords.nobodys(), "x")


def test_asking_for_another_password_costs_and_says_the_same(work: Any) -> None:
    owner()
    costs = [work(lambda email=email: resetting.ask(email, HERE)) for email in (OWNER, NEW)]
    assert costs[0] == costs[1]
    assert [mail_to(email).state for email in (OWNER, NEW)] == ["queued", "void"]
    with pytest.raises(NotFound):
        sign_up.invited(link(NEW), None)


def test_a_link_alone_opens_nothing_in_another_browser() -> None:
    token = begun()
    sign_up.ask(token, "Ann", "garden", HERE)
    other = begun()
    for browser in (None, "", other):
        assert sign_up.invited(link(), browser)["needs_password"]
        with pytest.raises(Unauthenticated):
            sign_up.finish(link(), "garden", "wrong", browser)
    assert accounts.listed() == []
    assert sign_up.finish(link(), "garden", PASSWORD, None)


@pytest.mark.usefixtures("_no_mail")
def test_without_mail_account_and_bot_are_made_at_once_and_a_taken_name_leaves_nothing() -> None:
    token = begun()
    owner()
    poured("garden")
    with pytest.raises(Conflict, match="taken"):
        sign_up.ask(token, "Ann", "garden", HERE)
    assert len(accounts.listed()) == 1
    made = sign_up.ask(token, "Ann", "garden-2", HERE)
    assert made is not None
    assert not accounts.show(made.account)["verified"]
    with pytest.raises(NotFound):
        sign_up.ask(token, "Ann", "garden-3", HERE)
    with pytest.raises(Conflict, match="can't be used"):
        sign_up.ask(begun(OWNER), "Ann", "garden-3", HERE)


def test_a_name_that_was_taken_meanwhile_leaves_the_link_good() -> None:
    token = begun()
    sign_up.ask(token, "Ann", "garden", HERE)
    owner()
    poured("garden")
    with pytest.raises(Conflict, match="taken"):
        sign_up.finish(link(), "garden", "", token)
    assert len(accounts.listed()) == 1
    assert sign_up.finish(link(), "garden-2", "", token)


def test_who_named_a_bot_names_one_at_the_end_too() -> None:
    token = begun()
    sign_up.ask(token, "Ann", "garden", HERE)
    with pytest.raises(Invalid, match="Name your bot"):
        sign_up.finish(link(), "", "", token)


@pytest.mark.parametrize("email", ["x", "a,b@example.org", "a b@x.org", "<a@x.org>", "a@x.org\nBcc: b@x.org", None])
def test_an_address_that_is_none_or_several_is_refused(email: object) -> None:
    for act in (lambda: sign_up.start(email, PASSWORD, HERE), lambda: resetting.ask(email, HERE)):
        with pytest.raises(Invalid):
            act()


@pytest.mark.parametrize("password", ["password12", "new@example.org", "aaaaaaaaaaaa", "short", "a" * 201, "x\x00" * 9])
def test_a_password_that_is_easy_to_guess_is_refused_alike(password: str) -> None:
    owner()
    said = set()
    for email in (NEW, OWNER):
        with pytest.raises(Invalid) as refused:
            sign_up.start(email, password.replace(NEW, email), HERE)
        said.add(refused.value.sentence)
    assert len(said) == 1
    assert Ticket.select().count() == 0


def test_what_was_typed_waits_hashed() -> None:
    begun()
    [ticket] = Ticket.select()
    assert ticket.facts["password_hash"].startswith("$argon2id$")
    assert PASSWORD not in str(ticket.facts)
    token = begun()
    Ticket.update(expires_at=0).execute()
    with pytest.raises(NotFound, match="start again"):
        sign_up.begun(token)


def test_one_network_starts_only_so_often() -> None:
    most = PER_NETWORK[Tried.MAIL]
    tokens = [begun() for _ in range(2)]
    for n in range(5):
        sign_up.ask(tokens[0], "Ann", f"garden-{n}", HERE)
    with pytest.raises(TooMany):
        sign_up.ask(tokens[1], "Ann", "garden", "198.51.100.9")
    for n in range(most - 5):
        resetting.ask(f"a{n}@example.org", HERE)
    with pytest.raises(TooMany):
        resetting.ask("fresh@example.org", HERE)
    resetting.ask("fresh@example.org", "198.51.100.9")


def test_a_customer_of_ipv6_is_one_network() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff:2") != network("2001:db8:0:1::1")
    assert network("::ffff:192.0.2.7") == network("192.0.2.7")


def test_a_reset_ends_all_sessions_and_its_link_works_once() -> None:
    id = owner()
    held = sessions.begin(id, HERE, "Firefox")
    resetting.ask(OWNER, HERE)
    used = link(OWNER)
    with pytest.raises(Invalid, match="guess"):
        resetting.reset(used, "password12")
    resetting.reset(used, PASSWORD)
    assert sessions.find(held, HERE) is None
    assert accounts.sign_in(OWNER, PASSWORD, HERE).account == id
    assert accounts.show(id)["verified"]
    with pytest.raises(NotFound):
        resetting.reset(used, PASSWORD)
    resetting.ask(OWNER, HERE)
    Ticket.update(expires_at=1.0).execute()
    with pytest.raises(NotFound, match="hour"):
        resetting.look(link(OWNER))


def test_a_link_from_while_the_clock_was_ahead_is_good_for_nothing() -> None:
    owner()
    with ahead(365 * DAY_S):
        resetting.ask(OWNER, HERE)
    with pytest.raises(NotFound, match="ask for another"):
        resetting.look(link(OWNER))
    with database.transaction():
        Mail.delete().execute()
    resetting.ask(OWNER, HERE)
    resetting.look(link(OWNER))
    assert Ticket.select().count() == 1, "the other is not kept until that moment comes"


def test_a_reset_ends_the_tokens_and_a_change_says_that_they_stay() -> None:
    id = owner()
    for name in ("ci", "bot"):
        secret = tokens.create(id, name, ["read"])["secret"]
    session = tokens.sign_in(OWNER, "long enough 1", None, HERE)["secret"]
    assert "2 tokens" in profile.change_password(id, "long enough 1", None, PASSWORD, None)
    assert "2 tokens of your programs are still valid" in mail_to(OWNER).text
    assert tokens.authenticate(secret).account == id
    resetting.ask(OWNER, HERE)
    assert "all tokens of your programs" in mail_to(OWNER).text
    assert "2 tokens" in resetting.reset(link(OWNER), "walrus quince teapot 9")
    assert "2 tokens of your programs ended with it" in mail_to(OWNER).text
    for one in (secret, session):
        with pytest.raises(Unauthenticated):
            tokens.authenticate(one)
    assert tokens.listed(id) == []
    assert profile.change_password(id, "walrus quince teapot 9", None, PASSWORD, None) == ""
    assert "tokens" not in mail_to(OWNER).text


@pytest.mark.usefixtures("_no_mail")
def test_an_operator_gives_another_password_where_no_mail_can_ask_for_one() -> None:
    id = owner()
    held, program = sessions.begin(id, HERE, "a"), tokens.create(id, "ci", ["read"])["secret"]
    with pytest.raises(Conflict, match="ask whoever runs it for a new password"):
        resetting.ask(OWNER, HERE)
    given = resetting.give("operator:salt/root", OWNER)
    assert given["agent"]["id"] == id
    assert accounts.sign_in(OWNER, given["password"], HERE).account == id
    with pytest.raises(Unauthenticated):
        accounts.sign_in(OWNER, "long enough 1", HERE)
    assert sessions.find(held, HERE) is None
    with pytest.raises(Unauthenticated):
        tokens.authenticate(program)
    assert given["password"] not in str(_rows("audit") + _rows("mail"))
    leaving.delete(id, OWNER, given["password"], None)
    with pytest.raises(NotFound):
        resetting.give("operator:salt/root", id)


def test_a_reset_ends_who_in_chat_is_the_person_and_a_change_says_that_they_stay() -> None:
    scene()
    id = owner("ann@example.org")
    for user in ("U01", "U08"):
        chatting.link(user, id)
    other = owner("ben@example.org")
    chatting.link("U02", other)
    secrets = [command_tokens.make(chatting.chat(user), "say hi", 5)["secret"] for user in ("U01", "U08", "U02")]
    profile.change_password(id, "long enough 1", None, PASSWORD, None)
    assert "2 users in Slack are still linked to your account" in mail_to("ann@example.org").text
    assert "2 tokens of your programs are still valid" in mail_to("ann@example.org").text
    assert len(chat.listed(id)) == 2
    resetting.ask("ann@example.org", HERE)
    assert "links to your users in Slack" in mail_to("ann@example.org").text
    said = resetting.reset(link("ann@example.org"), "walrus quince teapot 9")
    assert said in mail_to("ann@example.org").text
    assert "2 users in Slack are no longer linked to your account" in said
    assert "2 tokens of your programs ended" in said
    assert chat.listed(id) == []
    assert chatting.chat("U08").caller == Caller("T01", "U08")
    for secret in secrets[:2]:
        with pytest.raises(Unauthenticated):
            by_token.run(secret, {})
    assert by_token.run(secrets[2], {})["job"]
    assert len(chat.listed(other)) == 1


def test_an_address_changes_once_its_link_was_opened_by_the_one_who_asked() -> None:
    id, other = owner(), owner("other@example.org")
    profile.ask_email(id, "long enough 1", None, NEW, HERE)
    assert accounts.show(id)["email"] == OWNER
    with pytest.raises(NotFound, match="another account"):
        profile.verify_email(other, link())
    assert profile.verify_email(id, link()) == NEW
    assert "another e-mail address" in mail_to(OWNER).text
    profile.ask_email(id, "long enough 1", None, "other@example.org", HERE)
    assert "/verify/" not in mail_to("other@example.org").text
    with pytest.raises(Unauthenticated):
        profile.ask_email(id, "wrong", None, "third@example.org", HERE)


def test_a_new_password_ends_the_other_sessions() -> None:
    id = owner()
    mine, theirs = sessions.begin(id, HERE, "a"), sessions.begin(id, HERE, "b")
    found = sessions.find(mine, HERE)
    assert found is not None
    with pytest.raises(Invalid, match="guess"):
        profile.change_password(id, "long enough 1", None, "demo@example.org", found["session"])
    profile.change_password(id, "long enough 1", None, PASSWORD, found["session"])
    assert sessions.find(mine, HERE)
    assert sessions.find(theirs, HERE) is None


def test_a_password_that_is_set_anew_meanwhile_is_not_changed_by_who_knew_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    id, real = owner(), passwords.checked
    resetting.ask(OWNER, HERE)
    token = link(OWNER)

    def slow(*given: Any) -> str:
        monkeypatch.setattr(passwords, "checked", real)
        resetting.reset(token, PASSWORD)  # The account's owner takes it back while somebody else changes its password.
        return real(*given)

    monkeypatch.setattr(passwords, "checked", slow)
    with pytest.raises(Unauthenticated, match="not your password"):
        profile.change_password(id, "long enough 1", None, "walrus quince teapot 9", None)
    assert accounts.sign_in(OWNER, PASSWORD, HERE).account == id


def test_a_person_who_leaves_is_forgotten_and_their_own_bots_go() -> None:
    id, other = owner(), owner("other@example.org")
    poured("mine")
    poured("ours", email="other@example.org")
    from pillar_service.core.people.agents import Belonging
    from pillar_service.store.people import agents

    with database.transaction():
        agents.join(id, bots.found("ours").id, Belonging.OWNER)
    held = sessions.begin(id, HERE, "a")
    told = leaving.data(id)
    assert told["account"]["email"] == OWNER
    assert {bot["name"] for bot in told["bots"]} == {"mine", "ours"}
    of_nodes = {"nodes", "enrolment_tokens", "configuration", "facts", "forwardings", "machines", "governors", "events"}
    of_person = {"account", "second_factor", "sessions", "tokens", "chat", "jobs", "payment", "audit", "standings"}
    assert set(told) == of_nodes | of_person | {"bots", "of_bots", "deleted", "cut_off"}
    assert told["cut_off"] == []
    assert set(told["of_bots"]) == {bot["id"] for bot in told["bots"]}
    assert "argon2" not in str(told)
    for email, password in (("x@example.org", "long enough 1"), (OWNER, "wrong")):
        with pytest.raises((Invalid, Unauthenticated)):
            leaving.delete(id, email, password, None)
    leaving.delete(id, OWNER, "long enough 1", None)
    assert sessions.find(held, HERE) is None
    assert bots.show("mine")["desired"] == "absent"
    assert bots.show("ours")["desired"] == "running"
    assert [person["id"] for person in accounts.listed()] == [other]
    rows = [str(row) for name in ("account", "agent", "audit") for row in _rows(name)]
    assert not any(OWNER in row for row in rows)
    with pytest.raises(Unauthenticated):
        accounts.sign_in(OWNER, "long enough 1", HERE)
    owner()


def _rows(table: str) -> list[Any]:
    return list(database.db.execute_sql(f"SELECT * FROM {table}").fetchall())


def test_a_wrong_code_counts_though_the_act_around_it_fails() -> None:
    with pytest.raises(RuntimeError), database.transaction():
        check(owner(), "000000")


def test_a_program_registers_an_account_alone_as_the_pages_do(work: Any) -> None:
    owner()
    costs = [work(lambda email=email: sign_up.register(email, PASSWORD, None, HERE)) for email in (OWNER, NEW)]
    assert costs[0] == costs[1]
    assert len(accounts.listed()) == 1
    with pytest.raises(Unauthenticated):
        sign_up.finish(link(), "garden", "wrong", "")
    assert accounts.show(sign_up.finish(link(), "", PASSWORD, None).account)["email"] == NEW
    assert bots.listed() == []
    with pytest.raises(Invalid, match="guess"):
        sign_up.register("a@example.org", "password12", None, HERE)


@pytest.mark.usefixtures("_no_mail")
def test_without_mail_a_program_has_its_account_at_once() -> None:
    owner()
    assert [sign_up.register(email, PASSWORD, "Ann", HERE) for email in (OWNER, NEW)] == [False, False]
    assert accounts.sign_in(NEW, PASSWORD, HERE)
    with pytest.raises(Unauthenticated):
        accounts.sign_in(OWNER, PASSWORD, HERE)


def test_who_registers_again_and_again_has_no_password_judged_for_it(work: Any) -> None:
    for n in range(PER_NETWORK[Tried.START]):
        with pytest.raises((Invalid, TooMany)):
            sign_up.register(f"a{n}@example.org", "password12", None, HERE)

    def again() -> None:
        with pytest.raises(TooMany):
            sign_up.register("one@example.org", PASSWORD, None, HERE)

    assert "hash" not in work(again)


@pytest.mark.parametrize("signs", ["4@8({[<3691!|70$5+%2", "4@({[<691!|7$5+", "a[87{|919{8b"])
def test_a_password_with_many_signs_in_place_of_letters_is_soon_judged(signs: str) -> None:
    began = time.process_time()
    passwords.checked((signs * 20)[: passwords.LENGTH[1]])
    assert time.process_time() - began < 2


@pytest.mark.parametrize("easy", ["p@$$w0rd123", "P4$$w0rd1!2+", "p455w0rd@(6|"])
def test_a_few_signs_in_place_of_letters_make_no_good_password(easy: str) -> None:
    with pytest.raises(Invalid, match="too easy to guess"):
        passwords.checked(easy)
