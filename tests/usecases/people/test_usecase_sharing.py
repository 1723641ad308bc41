"""Sharing a bot: the mail's token, the limits, who remains; on a real database."""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from days import ahead
from pouring import OWNER, carry_out, has_second_factor, operator, owner, poured
from trails import trail

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound, SaltcellarError, TooMany
from pillar_service.core.people import sharing as rules
from pillar_service.store import database
from pillar_service.store.people import mails
from pillar_service.store.people import sharing as rows
from pillar_service.usecases.bots import bots
from pillar_service.usecases.people import accounts, permissions, sharing
from pillar_service.usecases.service import storage

MEMBER = "bob@example.org"


class Sent:
    """The mails that are queued in the database."""

    def _now(self) -> list[dict[str, Any]]:
        rows = mails.Mail.select().order_by(mails.Mail.created_at)
        return [{"to": row.recipient, "subject": row.subject, "text": row.text} for row in rows]

    def __getitem__(self, at: int) -> dict[str, Any]:
        return self._now()[at]

    def __len__(self) -> int:
        return len(self._now())


@pytest.fixture
def sent(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Let the place send mail; gives the queued mails."""
    monkeypatch.setenv("CELLAR_MAIL", "file:///dev/null")
    service()
    return Sent()


@pytest.fixture
def ann(sent: Sent) -> str:
    """The owner of a living bot."""
    id = owner()
    poured()
    return id


def token(mail: dict[str, Any]) -> str:
    found = re.search(r"http://cellar\.test/join/(\S+)", mail["text"])
    assert found
    return found[1]


def invited(ann: str, sent: Sent, email: str = MEMBER) -> str:
    sharing.invite(ann, "my", email)
    return token(sent[-1])


def member(ann: str, sent: Sent, email: str = MEMBER) -> str:
    id = owner(email)
    sharing.accept(id, invited(ann, sent, email))
    return id


def roles(person: str) -> dict[str, str]:
    return {one["email"]: one["role"] for one in sharing.people(person, "my")["people"]}


def let_pass(seconds: float) -> None:
    with database.transaction():
        rows.Invitation.update(
            created_at=rows.Invitation.created_at - seconds, expires_at=rows.Invitation.expires_at - seconds
        ).execute()


def deeds() -> list[str]:
    return [str(row["action"]) for row in trail(f"agent:{bots.show('my')['id']}")]


def test_from_the_mail_to_a_member(ann: str, sent: Sent) -> None:
    assert sharing.invite(ann, "my", " Bob@Example.org ") is None
    [mail] = sent
    assert mail["to"] == MEMBER
    assert "my.butt.nz" in mail["subject"]
    kept = rows.Invitation.select().get()
    assert token(mail) not in str(vars(kept)["__data__"])
    assert sharing.invitation(token(mail)) == {"host": "my.butt.nz", "bot": "my", "by": "demo"}
    other = owner("bobs-other-address@example.org")  # The account may have another address than the mail.
    assert sharing.accept(other, token(mail)) == "my"
    assert roles(ann) == {OWNER: "owner", "bobs-other-address@example.org": "member"}
    assert deeds()[-2:] == ["sharing.invite", "sharing.join"]
    assert token(mail) not in str(trail(f"agent:{bots.show('my')['id']}"))


def test_a_token_works_once_even_when_two_use_it_at_once(ann: str, sent: Sent) -> None:
    secret = invited(ann, sent)
    people, said = [owner(f"p{n}@example.org") for n in range(4)], []
    together = threading.Barrier(4)

    def join(person: str) -> None:
        together.wait()
        try:
            said.append(sharing.accept(person, secret))
        except NotFound as error:
            said.append(error.sentence)
        storage.release()

    threads = [threading.Thread(target=join, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == sorted(["my"] + [rules.NOT_VALID] * 3)
    assert len(roles(ann)) == 2


def test_what_is_not_good_is_said_alike(ann: str, sent: Sent) -> None:
    bob = owner(MEMBER)
    used, expired, withdrawn = invited(ann, sent), invited(ann, sent, "b@x.org"), invited(ann, sent, "c@x.org")
    sharing.accept(bob, used)
    let_pass(rules.LASTS_S - 3600)
    assert sharing.invitation(expired)
    let_pass(3601)
    with pytest.raises(NotFound):
        sharing.withdraw(ann, "my", rows.Invitation.get(rows.Invitation.email == "b@x.org").id)
    taken_back = invited(ann, sent, "d@x.org")
    sharing.withdraw(ann, "my", sharing.people(ann, "my")["invitations"][0]["id"])
    eve = owner("eve@example.org")
    for secret in (used, expired, withdrawn, taken_back, "", "nonsense", "x" * 9000):
        for ask in (lambda: sharing.invitation(secret), lambda: sharing.accept(eve, secret)):  # noqa: B023
            with pytest.raises(NotFound) as error:
                ask()
            assert error.value.sentence == rules.NOT_VALID


def test_who_accepted_it_is_told_the_same_again_while_they_belong(ann: str, sent: Sent) -> None:
    secret, bob = invited(ann, sent), owner(MEMBER)
    assert [sharing.accept(bob, secret) for _ in range(2)] == ["my", "my"]
    assert deeds().count("sharing.join") == 1
    sharing.remove(ann, "my", bob)
    with pytest.raises(NotFound):
        sharing.accept(bob, secret)


def test_the_invitation_to_a_bot_that_goes_is_good_for_nothing(ann: str, sent: Sent) -> None:
    secret, bob = invited(ann, sent), owner(MEMBER)
    bots.delete("test", "my", purge=True)
    with pytest.raises(NotFound):
        sharing.accept(bob, secret)
    with pytest.raises(Conflict):
        sharing.invite(ann, "my", "late@example.org")
    carry_out()
    with pytest.raises(NotFound):
        sharing.invitation(secret)
    assert rows.Invitation.select().count() == 0


def test_who_belongs_already_does_not_use_an_invitation_up(ann: str, sent: Sent) -> None:
    secret = invited(ann, sent)
    with pytest.raises(Conflict, match="already"):
        sharing.accept(ann, secret)
    assert roles(ann) == {OWNER: "owner"}
    assert sharing.accept(owner(MEMBER), secret) == "my"


def test_a_suspended_account_does_not_join(ann: str, sent: Sent) -> None:
    secret, bob = invited(ann, sent), owner(MEMBER)
    accounts.set_state("test", bob, "suspended")
    with pytest.raises(Forbidden):
        sharing.accept(bob, secret)
    accounts.set_state("test", bob, "active")
    assert sharing.accept(bob, secret) == "my"


def test_the_answer_does_not_tell_whether_there_is_an_account(ann: str, sent: Sent) -> None:
    owner(MEMBER)
    answers = [sharing.invite(ann, "my", email) for email in (MEMBER, "nobody@example.org")]
    assert answers == [None, None]
    said = {mail["text"].replace(token(mail), "") for mail in sent}
    assert len(said) == 1
    shown = sharing.people(ann, "my")["invitations"]
    assert {frozenset(one) for one in shown} == {frozenset({"id", "email", "created_at", "expires_at"})}


def test_the_same_address_again_replaces_its_invitation(ann: str, sent: Sent) -> None:
    first, second = invited(ann, sent), invited(ann, sent)
    assert len(sharing.people(ann, "my")["invitations"]) == 1
    with pytest.raises(NotFound):
        sharing.invitation(first)
    assert sharing.invitation(second)


def test_twenty_are_open_at_most_and_fifty_a_day(ann: str, sent: Sent) -> None:
    for n in range(20):
        sharing.invite(ann, "my", f"p{n}@example.org")
    with pytest.raises(TooMany, match="20"):
        sharing.invite(ann, "my", "one-more@example.org")
    sharing.invite(ann, "my", "p3@example.org")  # The same address again: still 20.
    for n in range(29):
        sharing.invite(ann, "my", f"p{n % 20}@example.org")
    with pytest.raises(TooMany, match="tomorrow"):
        sharing.invite(ann, "my", "p3@example.org")
    assert len(sent) == 50
    let_pass(DAY_S + 1)
    sharing.invite(ann, "my", "p3@example.org")


def test_an_invitation_from_while_the_clock_was_ahead_neither_lasts_until_then_nor_counts(
    ann: str, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ahead(365 * DAY_S):
        early = invited(ann, sent)
    assert sharing.people(ann, "my")["invitations"] == []
    with pytest.raises(NotFound, match="no longer valid"):
        sharing.invitation(early)
    monkeypatch.setattr(rules, "DAY_MOST", 1)
    sharing.invite(ann, "my", MEMBER)
    with pytest.raises(TooMany):
        sharing.invite(ann, "my", "carol@example.org")


@pytest.mark.parametrize("address", ["mailto:bob@example.org", "<bob@example.org", "bob;carol@example.org"])
def test_nobody_is_invited_at_an_address_to_which_no_mail_can_go(ann: str, sent: Sent, address: str) -> None:
    with pytest.raises(Invalid, match="can't send mail"):
        sharing.invite(ann, "my", address)
    assert (len(sent), sharing.people(ann, "my")["invitations"]) == (0, [])


def test_without_mail_the_address_is_given_to_the_owner(
    ann: str, sent: Sent, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLAR_MAIL", "")
    service()
    address = sharing.invite(ann, "my", MEMBER)
    assert address is not None
    assert sharing.accept(owner(MEMBER), address.rpartition("/")[2]) == "my"


def test_a_name_can_not_write_into_the_mail(ann: str, sent: Sent) -> None:
    from pillar_service.store.people import agents

    with database.transaction():
        agents.change(ann, name="{token} {address} Ann")
    secret = invited(ann, sent)
    assert sent[-1]["text"].count(secret) == 1
    assert "{token} {address} Ann invites you" in sent[-1]["text"]


def test_removing_leaving_and_handing_over(ann: str, sent: Sent) -> None:
    bob, cy = member(ann, sent), member(ann, sent, "cy@example.org")
    with pytest.raises(Invalid, match="Leave"):
        sharing.remove(ann, "my", ann)
    with pytest.raises(Conflict, match="hand it over"):
        sharing.leave(ann, "my")
    sharing.remove(ann, "my", cy)
    with pytest.raises(NotFound):
        sharing.remove(ann, "my", cy)
    with pytest.raises(NotFound):
        sharing.people(cy, "my")
    with pytest.raises(Invalid, match="type the bot's name"):
        sharing.hand_over(ann, "my", bob, "mine")
    sharing.hand_over(ann, "my", bob, "my")
    assert roles(bob) == {OWNER: "member", MEMBER: "owner"}
    assert (sent[-1]["to"], sent[-1]["subject"]) == (MEMBER, "The bot my.butt.nz is yours")
    with pytest.raises(Forbidden):
        sharing.hand_over(ann, "my", ann, "my")
    with pytest.raises(Conflict):
        sharing.leave(bob, "my")
    sharing.leave(ann, "my")
    assert roles(bob) == {MEMBER: "owner"}
    assert deeds()[-4:] == ["sharing.join", "sharing.remove", "sharing.hand_over", "sharing.leave"]


def test_nobody_gets_more_bots_than_one_may_own(
    ann: str, sent: Sent, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = member(ann, sent)
    poured("bobs", email=MEMBER)
    monkeypatch.setenv("CELLAR_BOTS_MOST", "1")
    service()
    with pytest.raises(Conflict, match="as many bots"):
        sharing.hand_over(ann, "my", bob, "my")
    bots.delete("test", "bobs", purge=False)
    carry_out()
    sharing.hand_over(ann, "my", bob, "my")


ACTS: list[tuple[str, Callable[[str, str], object]]] = [
    ("invite", lambda who, bob: sharing.invite(who, "my", "x@example.org")),
    ("withdraw", lambda who, bob: sharing.withdraw(who, "my", "0" * 16)),
    ("remove", lambda who, bob: sharing.remove(who, "my", bob)),
    ("hand over", lambda who, bob: sharing.hand_over(who, "my", bob, "my")),
]


@pytest.mark.parametrize("act", [act for _, act in ACTS], ids=[name for name, _ in ACTS])
@pytest.mark.parametrize(
    ("who", "refused"),
    [("member", Forbidden), ("stranger", NotFound), ("operator", Forbidden), ("suspended owner", Forbidden)],
)
def test_only_an_active_owner_changes_who_belongs(
    ann: str, sent: Sent, act: Callable[[str, str], object], who: str, refused: type[SaltcellarError]
) -> None:
    bob = member(ann, sent)
    before = roles(ann)
    if who == "suspended owner":
        accounts.set_state("test", ann, "suspended")
    asker = {
        "member": lambda: bob,
        "stranger": lambda: owner("eve@example.org"),
        "operator": lambda: has_second_factor(operator()),
        "suspended owner": lambda: ann,
    }[who]()
    with pytest.raises(refused):
        act(asker, bob)
    accounts.set_state("test", ann, "active")
    assert roles(ann) == before
    assert sharing.people(ann, "my")["invitations"] == []


def test_addresses_are_for_who_may_share(ann: str, sent: Sent) -> None:
    bob = member(ann, sent)
    invited(ann, sent, "secret-friend@example.org")
    told = sharing.people(bob, "my")
    assert [(one["name"], one["email"]) for one in told["people"]] == [("demo", None), (MEMBER, MEMBER)]
    assert (told["invitations"], told["may_share"], told["role"]) == ([], False, "member")
    op = has_second_factor(operator())
    assert sharing.people(op, "my")["role"] is None
    with pytest.raises(NotFound):
        sharing.leave(op, "my")


def test_a_suspended_member_may_still_leave(ann: str, sent: Sent) -> None:
    bob = member(ann, sent)
    accounts.set_state("test", bob, "suspended")
    sharing.leave(bob, "my")
    assert permissions.of(bob, bots.show("my")["id"]) == frozenset()
