import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from days import days_pass
from eventful import known
from eventful import told as event
from fake_stripe import KEY, WEBHOOK_SECRET, FakeStripe, sent
from pouring import OWNER, PUB, answer, carry_out, owner, poured, told
from stripe_books import PRICE

from pillar_service.core.errors import Conflict, Unauthenticated, Unavailable
from pillar_service.core.events.events import Filter
from pillar_service.core.people.agents import Belonging
from pillar_service.payments.stripe import Stripe
from pillar_service.store import database
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.events import events as event_rows
from pillar_service.store.events import forgotten
from pillar_service.store.events.events import Which
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.store.payments import payments as subscription_rows
from pillar_service.store.people import agents, mails
from pillar_service.store.people import sharing as invitations
from pillar_service.store.people.tokens import Token
from pillar_service.store.service import audit
from pillar_service.usecases.bots import bots, bringing_back
from pillar_service.usecases.events import events
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import configuration, node_keys, node_terms, nodes
from pillar_service.usecases.payments import payments
from pillar_service.usecases.people import accounts, leaving, sharing, tokens

PASSWORD = "long enough 1"


@pytest.fixture
def person(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.setenv("CELLAR_MAIL", f"file://{tmp_path}/mailbox")
    service()
    return owner()


def export_runs() -> dict[str, Any]:
    """The run of an export of `my` that its node is packing."""
    jobs.submit("test", "bots.export", "my")
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    return run


def open_page(person: str, stripe: FakeStripe) -> dict[str, Any]:
    """Let a person open the checkout page and leave it open; return the session."""
    payments.checkout(person, stripe.books.now)
    [session] = stripe.books.sessions.values()
    return session


def test_nobody_pays_on_a_page_that_was_left_open(person: str, stripe: FakeStripe) -> None:
    session = open_page(person, stripe)
    leaving.delete(person, OWNER, PASSWORD, None)
    assert session["status"] == "expired"
    assert payments.run_due()["failures"] == []


def test_what_was_paid_unheard_is_ended(person: str, stripe: FakeStripe) -> None:
    subscription = stripe.books.complete(open_page(person, stripe)["id"])
    leaving.delete(person, OWNER, PASSWORD, None)
    assert subscription["status"] == "canceled"


def test_what_is_paid_once_the_account_is_gone_is_ended(person: str, stripe: FakeStripe) -> None:
    session = open_page(person, stripe)
    leaving.delete(person, OWNER, PASSWORD, None)
    session |= {"status": "open"}  # The payment was under way when the page was closed.
    subscription = stripe.books.complete(session["id"])
    assert payments.take_event(*sent(stripe.events[-1]))["taken"]
    assert subscription["status"] == "canceled"


def left_paying(person: str, stripe: FakeStripe) -> str:
    """Let a person leave while their payment is under way; return the charge."""
    with database.transaction():
        subscription_rows.change(person, trial_ends=time.time() - 10)
    session = open_page(person, stripe)
    leaving.delete(person, OWNER, PASSWORD, None)
    session |= {"status": "open"}
    stripe.books.complete(session["id"])
    [charge] = stripe.books.charges
    return charge


def given_back(person: str) -> list[tuple[str, int]]:
    kept = subscription_rows.payments_of(person, 10)
    return sorted((one.kind, one.amount_cents) for one in kept)


def test_what_is_paid_once_the_account_is_gone_is_given_back_once(person: str, stripe: FakeStripe) -> None:
    charge = left_paying(person, stripe)
    for one in [*stripe.events, *stripe.events]:
        payments.take_event(*sent(one))
    assert stripe.books.charges[charge]["amount_refunded"] == 500
    assert [path for _, path in stripe.asked].count("refunds") == 1
    assert given_back(person) == [("paid", 500), ("refunded", 500)]


def test_a_process_that_dies_as_it_gives_back_does_not_do_so_twice(person: str, stripe: FakeStripe) -> None:
    charge = left_paying(person, stripe)
    stripe.books.refund(charge, 200)  # An operator has already refunded a part.
    Stripe(KEY, WEBHOOK_SECRET, PRICE, stripe.url).refund(charge)  # Nothing was kept of this one.
    Stripe(KEY, WEBHOOK_SECRET, PRICE, stripe.url).refund(charge)
    payments.take_event(*sent(stripe.events[-1]))
    assert given_back(person) == [("paid", 500), ("refunded", 200), ("refunded", 300)]


def test_what_slips_in_unheard_is_found_in_the_days_after(
    person: str, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    charge, left = left_paying(person, stripe), time.time()
    stripe.is_away = True
    monkeypatch.setattr(time, "time", lambda: left + 1.5 * 86_400)
    [failure] = payments.run_due()["failures"]
    assert failure["account"] == person
    stripe.is_away = False
    assert payments.run_due()["failures"] == []
    assert stripe.books.charges[charge]["amount_refunded"] == 500
    asked = len(stripe.asked)
    monkeypatch.setattr(time, "time", lambda: left + 20 * 86_400)
    assert payments.run_due()["failures"] == []
    assert len(stripe.asked) == asked


def test_what_was_paid_before_somebody_left_stays_paid(person: str, stripe: FakeStripe) -> None:
    with database.transaction():
        subscription_rows.change(person, trial_ends=time.time() - 10)
    stripe.books.complete(open_page(person, stripe)["id"])
    leaving.delete(person, OWNER, PASSWORD, None)
    for one in stripe.events:
        payments.take_event(*sent(one))
    assert given_back(person) == [("paid", 500)]


def test_what_charges_an_account_that_is_gone_is_ended_by_the_next_run(person: str, stripe: FakeStripe) -> None:
    subscription = stripe.books.complete(open_page(person, stripe)["id"])
    payments.returned(person)
    with database.transaction():
        agents.change(person, removed_at=time.time())
    assert payments.run_due()["failures"] == []
    assert subscription["status"] == "canceled"


def test_while_stripe_is_away_nobody_leaves_half(person: str, stripe: FakeStripe) -> None:
    session = open_page(person, stripe)
    stripe.is_away = True
    with pytest.raises(Unavailable, match="nothing was changed"):
        leaving.delete(person, OWNER, PASSWORD, None)
    assert (accounts.show(person)["email"], session["status"]) == (OWNER, "open")


def test_while_a_bot_is_exported_nothing_is_cancelled_or_forgotten(person: str, stripe: FakeStripe) -> None:
    poured()
    subscription = stripe.books.complete(open_page(person, stripe)["id"])
    payments.returned(person)
    run = export_runs()
    with pytest.raises(Conflict, match="exported"):
        leaving.delete(person, OWNER, PASSWORD, None)
    assert subscription["status"] != "canceled"
    assert payments.show(person)["renews"]
    assert accounts.show(person)["email"] == OWNER
    answer(run, {"pub_id": PUB, "sequence": 3})
    leaving.delete(person, OWNER, PASSWORD, None)
    assert subscription["status"] == "canceled"


def test_what_was_deleted_but_kept_loses_its_data_too(person: str) -> None:
    gone, shared = poured("gone"), poured("shared")
    other = owner("other@example.org")
    with database.transaction():
        agents.join(other, shared["id"], Belonging.OWNER)
    for bot in (gone, shared):
        bots.delete("test", bot["id"], purge=False)
    carry_out()
    assert {bot["name"] for bot in leaving.data(person)["deleted"]} == {"gone", "shared"}
    leaving.delete(person, OWNER, PASSWORD, None)
    assert told()[gone["id"]]["purge"] is True
    assert shared["id"] not in told()
    assert [bot["name"] for bot in bringing_back.deleted(other)] == ["shared"]
    assert bringing_back.deleted(person) == []
    assert agents.role_for(person, shared["id"]) is None


def test_members_read_that_a_bot_goes_with_its_owner(person: str) -> None:
    alone, shared = poured("alone"), poured("shared")
    member, other = owner("member@example.org"), owner("other@example.org")
    with database.transaction():
        for bot in (alone, shared):
            agents.join(member, bot["id"], Belonging.MEMBER)
        agents.join(other, shared["id"], Belonging.OWNER)
    leaving.delete(person, OWNER, PASSWORD, None)
    [mail] = mails.Mail.select()
    assert (mail.recipient, mail.subject) == ("member@example.org", "The bot alone.butt.nz is gone")
    assert OWNER not in mail.text


def test_what_is_taken_along_is_what_is_kept(person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bot, node = poured(), f"shed.{person}"
    sharing.invite(person, "my", "friend@example.org")
    nodes.add("test", node)
    with database.transaction():
        node_rows.change(node, account=person)
    configuration.set("test", person, "governors/restarts", 2)
    events.take(node, [event(n, node=node, data={"n": n}) for n in (1, 2)])
    told = leaving.data(person)
    assert told["of_bots"][bot["id"]]["people"]["invitations"][0]["email"] == "friend@example.org"
    assert told["of_bots"][bot["id"]]["invites"] == []
    assert [one["data"] for one in told["events"]] == [{"n": 2}, {"n": 1}]
    assert list(told["standings"]) == [node]
    assert [one["name"] for one in told["governors"]] == ["restarts"]
    assert (told["second_factor"]["is_on"], told["cut_off"]) == (False, [])
    monkeypatch.setattr(leaving, "MOST", 2)
    assert "events" in leaving.data(person)["cut_off"]


def test_every_payment_is_taken_along(person: str) -> None:
    for _ in range(payments.MOST_SHOWN + 2):
        payments.mark_paid("test", person, 1)
    assert len(payments.show(person)["payments"]) == payments.MOST_SHOWN
    assert len(leaving.data(person)["payment"]["payments"]) == payments.MOST_SHOWN + 2


def with_a_bot_of_somebody_else(person: str) -> tuple[str, str]:
    """A node of this person's that has somebody else's bot; return both ids."""
    node, bot = known(f"shed.{person}", person), poured("theirs", email="other@example.org")["id"]
    with database.transaction():
        bot_rows.change(bot, node=node)
    return node, bot


def test_nobody_leaves_with_a_node_on_which_others_have_bots(person: str) -> None:
    owner("other@example.org")
    node, bot = with_a_bot_of_somebody_else(person)
    with pytest.raises(Conflict, match=rf"Your node {node} holds bots of others \(1, .* move them away"):
        leaving.delete(person, OWNER, PASSWORD, None)
    assert node_rows.find(node).key_state == "accepted"
    with database.transaction():
        bot_rows.change(bot, node="cellar-1")
    leaving.delete(person, OWNER, PASSWORD, None)
    assert node_rows.find(node).key_state == "revoked"


def test_nobody_leaves_with_a_node_that_has_the_data_of_somebody_elses_deleted_bot(person: str) -> None:
    owner("other@example.org")
    node, bot = known(f"shed.{person}", person), poured("theirs", email="other@example.org")["id"]
    bots.delete("test", bot, purge=False)
    carry_out()
    with database.transaction():
        bot_rows.change(bot, node=node)
    with pytest.raises(Conflict, match=r"holds bots of others \(1, "):
        leaving.delete(person, OWNER, PASSWORD, None)
    assert node_rows.find(node).key_state == "accepted"


def test_a_bot_of_somebody_else_that_comes_while_the_payments_end_is_not_lost(
    person: str, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner("other@example.org")
    open_page(person, stripe)
    real, came = Stripe.close, list[tuple[str, str]]()

    def slowly(self: Stripe, customer: str) -> None:
        real(self, customer)
        came.append(with_a_bot_of_somebody_else(person))

    monkeypatch.setattr(Stripe, "close", slowly)
    with pytest.raises(Conflict, match="bots of others"):
        leaving.delete(person, OWNER, PASSWORD, None)
    assert node_rows.find(came[0][0]).key_state == "accepted"
    assert accounts.show(OWNER)["id"] == person


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_bots_on_ones_own_node_are_gone_at_once_and_their_names_are_free(person: str, is_cut_off: bool) -> None:
    there = [poured(name)["id"] for name in ("my", "deleted")]
    node = known(f"shed.{person}", person)
    bots.delete("test", there[1], purge=False)
    with database.transaction():
        for bot in there:
            bot_rows.change(bot, node=node)
    if is_cut_off:
        node_keys.revoke_of(person, node)
    leaving.delete(person, OWNER, PASSWORD, None)
    assert (bots.listed(), jobs.listed(state="queued")) == ([], [])
    owner("other@example.org")
    for name in ("my", "deleted"):
        poured(name, email="other@example.org")
    node_keys.forget("test", node)


def test_a_node_that_was_cut_off_already_keeps_nobody(person: str) -> None:
    owner("other@example.org")
    node, _ = with_a_bot_of_somebody_else(person)
    node_keys.revoke_of(person, node)
    leaving.delete(person, OWNER, PASSWORD, None)
    assert accounts.listed(OWNER) == []


def test_tokens_invitations_and_the_address_are_forgotten(person: str) -> None:
    poured()
    other = owner("other@example.org")
    poured("theirs", email="other@example.org")
    sharing.invite(other, "theirs", OWNER)
    with database.transaction():
        agents.join(person, bots.found("theirs").id, Belonging.OWNER)
    secret = tokens.create(person, "ci", ["read"])["secret"]
    sharing.invite(person, "theirs", "friend@example.org")
    assert leaving.data(person)["tokens"][0]["name"] == "ci"
    leaving.delete(person, OWNER, PASSWORD, None)
    with pytest.raises(Unauthenticated):
        tokens.authenticate(secret)
    assert list(Token.select()) == []
    assert list(invitations.Invitation.select()) == []
    assert OWNER not in str(list(audit.Audit.select().dicts()))
    assert [mail.recipient for mail in mails.Mail.select()] == ["friend@example.org"]


@pytest.mark.parametrize("deed", ["invite", "withdraw", "join", "remove", "hand_over"])
def test_whatever_was_done_with_a_share_tells_the_address_of_who_left_no_more(person: str, deed: str) -> None:
    poured()
    other = owner("other@example.org")
    bot = poured("theirs", email="other@example.org")["id"]
    sharing.invite(other, bot, OWNER)
    if deed == "withdraw":
        sharing.withdraw(other, bot, sharing.people(other, bot)["invitations"][0]["id"])
    elif deed != "invite":
        joins(person, bot)
    if deed == "remove":
        sharing.remove(other, bot, person)
    elif deed == "hand_over":
        sharing.hand_over(other, bot, person, "theirs")
    told = [row.detail for row in audit.Audit.select().where(audit.Audit.action == f"sharing.{deed}")]
    assert told == [OWNER]
    leaving.delete(person, OWNER, PASSWORD, None)
    assert OWNER not in str(list(audit.Audit.select().dicts()))


def test_a_node_that_was_shared_tells_the_address_of_who_left_no_more(person: str) -> None:
    nodes.add("test", "shed")
    others = [f"friend-{n:02}@example.org" for n in range(30)]
    node_terms.share("test", "shed", "named", [*others, OWNER])
    assert OWNER in str([row.detail for row in audit.about("node:shed")])
    leaving.delete(person, OWNER, PASSWORD, None)
    assert OWNER not in str(list(audit.Audit.select().dicts()))
    node_terms.share("test", "shed", "named", others[1:])
    told = [(row.action, row.detail) for row in audit.about("node:shed")]
    assert ("nodes.share_with", others[-1]) in told, "whom it was shared with is known"
    assert told[-2:] == [("nodes.share", "named"), ("nodes.unshare_with", others[0])]


def joins(person: str, bot: str) -> None:
    """Open the link in the mail that invites this person."""
    [mail] = mails.Mail.select().where(mails.Mail.recipient == OWNER).order_by(mails.Mail.created_at.desc()).limit(1)
    sharing.accept(person, mail.text.split("/join/")[1].split()[0])


@pytest.mark.parametrize("why", ["operator", "payment"])
def test_a_suspended_account_takes_its_data_and_leaves(person: str, why: str) -> None:
    bot = poured()
    if why == "operator":
        accounts.set_state("test", person, "suspended")
    else:
        days_pass(time.time() + 22 * 86_400)
    carry_out()
    assert accounts.show(person)["state"] == "suspended"
    assert [found["name"] for found in leaving.data(person)["bots"]] == ["my"]
    leaving.delete(person, OWNER, PASSWORD, None)
    assert told()[bot["id"]]["state"] == "absent"
    assert accounts.listed() == []


def test_what_there_is_very_much_of_is_forgotten_in_small_batches(
    person: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = owner("other@example.org")
    with database.transaction():
        for account, count in ((person, 2_500), (other, 3)):
            nodes.add_for(f"shed-{account[:4]}", account)
            came, said = (f"shed-{account[:4]}", account, 1.0, 5), ("submission", "org.example.x", "db", "s", 1, 0)
            event_rows.add([(*came, n, *said, 1.0, 1.0, "boot", True, "{}") for n in range(count)])
        forgotten.note([event.n for event in event_rows.page(Which(Filter(), person), 9)], 1.0)
    assert forgotten.marks(f"shed-{person[:4]}", [5])
    caplog.set_level(logging.DEBUG, "peewee")
    leaving.delete(person, OWNER, PASSWORD, None)
    gone = [record.msg[1] for record in caplog.records if str(record.msg[0]).startswith("DELETE FROM event WHERE n IN")]
    assert [len(numbers) for numbers in gone] == [1000, 1000, 500]
    assert event_rows.page(Which(Filter(), person), 9) == []
    assert len(event_rows.page(Which(Filter(), other), 9)) == 3
    assert forgotten.marks(f"shed-{person[:4]}", [5]) == {}
