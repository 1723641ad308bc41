"""What is due: ask the provider what it knows, then take the steps that follow. Each may be repeated at any time."""

import logging
import time
from contextlib import suppress
from typing import Any

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import SaltcellarError, Unavailable
from pillar_service.core.payments import payments as rules
from pillar_service.core.payments.payments import PaymentState, ProviderName, Step
from pillar_service.core.people.agents import AccountState, Belonging, Desired, Hold
from pillar_service.payments.provider import Charge, NoSuchCustomer, Told
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.database import transaction
from pillar_service.store.payments import payments
from pillar_service.store.payments.payments import Subscription
from pillar_service.store.people import accounts as account_rows
from pillar_service.store.people import agents
from pillar_service.usecases.bots import bots
from pillar_service.usecases.nodes import presence
from pillar_service.usecases.payments import payment_mails, subscriptions
from pillar_service.usecases.people import accounts, holds, sharing
from pillar_service.usecases.service import auditing

ACTOR = "payments"
QUIET = frozenset({PaymentState.TRIAL, PaymentState.ACTIVE})

SLIPS_IN_S = 14 * DAY_S
"""How long after a person left, in seconds, their provider is asked daily: a slow bank takes that long, and events get lost."""

GIVES_UP_AFTER = 3
"""How many accounts in a row the provider may leave unanswered before a run stops asking it.

Each unanswered question takes the whole timeout, so the run would last for hours, into the next one.
"""

SILENT = "The provider did not answer for other accounts, so it was not asked about this one: the next run will ask."

log = logging.getLogger(__name__)


def run(now: float) -> dict[str, Any]:
    """Settle every account; returns {"accounts", "steps", "failures"}. A failure is reported, and the others go on."""
    presence.listening(now)  # notices a clock that has jumped before anything relies on it
    rows, steps, failures, silent = payments.listed(), [], [], 0
    for row in rows:
        asks = _at_provider(row) and _is_worth_asking(row, _left_at(row.account), now)
        if asks and silent >= GIVES_UP_AFTER:
            failures.append({"account": row.account, "error": SILENT})
            continue
        try:
            steps += [{"account": row.account, "step": str(step)} for step in settle(row.account, now)]
            silent = 0 if asks else silent
        except Exception as error:
            silent += asks and isinstance(error, Unavailable)
            log.exception("The payments of account %s could not be settled.", row.account)
            failures.append({"account": row.account, "error": str(error)})
    return {"accounts": len(rows), "steps": steps, "failures": failures}


def settle(account: str, now: float) -> list[Step]:
    """Bring one account (its id) to the state it should be in; returns the steps taken. Asks the provider if need be."""
    row, left_at = subscriptions.found(account), _left_at(account)
    asks = _is_worth_asking(row, left_at, now)
    if left_at is not None:
        ask(account) if asks else stop(account)
        return []
    if asks:
        ask(account)
        row = subscriptions.found(account)
    if row.live and row.reference and _next(row, now) is Step.CLOSE:
        stop(account)  # or it would go on charging for what is deleted
    elif _next(row, now) is None and row.state == subscriptions.state(row, now):
        return []
    with transaction():
        return carry_out(account, now)


def _left_at(account: str) -> float | None:
    """When the person left, in Unix seconds; None if they have not."""
    holder = account_rows.find(account)
    return 0.0 if holder is None else holder.agent.removed_at


def _is_long_ago(row: Subscription) -> bool:
    now = time.time()  # a later asked_at dates from when the clock was wrong
    return row.asked_at is None or not now - DAY_S <= row.asked_at <= now


def _is_worth_asking(row: Subscription, left_at: float | None, now: float) -> bool:
    if not _at_provider(row):
        return False
    if left_at is not None:  # a late payment may still slip in
        return now < left_at + SLIPS_IN_S and _is_long_ago(row)
    return _is_long_ago(row) or subscriptions.state(row, now) not in QUIET


def _at_provider(row: Subscription) -> bool:
    return row.customer is not None and row.provider == subscriptions.provider().name != ProviderName.MANUAL


def ask(account: str) -> None:
    """Ask the provider what it knows of an account's customer, and keep it. No transaction may be open.

    Nobody pays for an account that is gone: what was paid since (on a page that its person had left open, or through a
    slow bank) is ended and refunded.
    """
    if _left_at(account) is not None:
        _undo(subscriptions.found(account))
        _ask(account)
        stop(account)
    else:
        _ask(account)


def end(account: str) -> None:
    """Have an account (its id) charged nothing more, not even through a page that is still open. No transaction may be open."""
    row = subscriptions.found(account)
    if row.customer is not None and _at_provider(row):
        with suppress(NoSuchCustomer):
            subscriptions.provider().close(row.customer)
        _ask(account)
    stop(account)


def close_pages(account: str) -> None:
    """Close the pages that ask an account (its id) to pay for what is now covered, if the provider allows it."""
    row = subscriptions.found(account)
    if row.customer is not None and _at_provider(row):
        try:
            subscriptions.provider().close(row.customer)
        except SaltcellarError as error:
            log.warning("A page that asks account %s to pay may still be open: %s", account, error)


def _undo(row: Subscription) -> None:
    """End what charges an account that is gone, and refund what was not known when it left: everything until then was.

    What is refunded is written down only afterwards: if the process dies in between, the next one repeats the refund,
    which gives it back only once.
    """
    if row.customer is None or not _at_provider(row):
        return
    provider = subscriptions.provider()
    told = _told(row)
    if told.live and told.reference:
        provider.cancel(told.reference)
    kept = payments.known(charge.id for charge in told.charges)
    for charge in told.charges:
        if charge.id not in kept and charge.returnable_cents:
            provider.refund(charge.id)


def stop(account: str) -> None:
    """End the subscription that charges an account, if any. No transaction may be open."""
    row = subscriptions.found(account)
    if row.live and row.reference:
        subscriptions.provider().cancel(row.reference)
        _ask(account)


def _ask(account: str) -> None:
    row, began = subscriptions.found(account), time.time()
    if row.customer is not None and _at_provider(row):
        told = _told(row)
        if [reference for reference in told.surplus if _ends(row, reference)]:
            told = _told(row)
        if told.live and not row.live:  # whoever paid on one page may have another open
            subscriptions.provider().close(row.customer)
        with transaction():
            keep(account, told, began)


def _ends(row: Subscription, reference: str) -> bool:
    """End a subscription that charges beside the one that counts, and tell operators; returns whether it ended.

    Operators see what it took; what was paid counts all the same. If ending it fails, the next question tries again.
    """
    said = f"{reference} charged alongside another and is ended: check at {row.provider} whether to refund what it took"
    log.warning("Account %s: %s.", row.account, said)
    try:
        subscriptions.provider().cancel(reference)
    except SaltcellarError as error:
        log.warning("Account %s: %s could not be ended: %s", row.account, reference, error)
        return False
    with transaction():
        auditing.record(ACTOR, "payments.end_surplus", f"agent:{row.account}", time.time(), said)
    return True


def _told(row: Subscription) -> Told:
    """What the provider knows of a customer; if it knows no such customer, nothing is charged, and what was paid counts."""
    try:
        return subscriptions.provider().told(str(row.customer))
    except NoSuchCustomer:
        log.warning("%s does not know %s, the customer of account %s.", row.provider, row.customer, row.account)
        return Told(cancelled_at=row.cancelled_at, paid_until=row.paid_until)


def keep(account: str, told: Told, asked_at: float) -> None:
    """Keep what a provider reported, in the caller's transaction, unless a later answer is kept already."""
    row = subscriptions.found(account)
    if row.asked_at is not None and asked_at < row.asked_at <= time.time():
        return
    columns = {"reference": told.reference, "live": told.live, "paid_until": told.paid_until}
    payments.change(account, cancelled_at=told.cancelled_at, asked_at=asked_at, **columns)
    kept = payments.known(charge.id for charge in told.charges)
    for charge in told.charges:
        if charge.id not in kept:
            _add(row, charge)


def _add(row: Subscription, charge: Charge) -> None:
    amount = {"amount_cents": charge.amount_cents, "currency": charge.currency, "detail": charge.detail}
    payments.add_payment(charge.id, row.account, charge.kind, charge.at, provider=row.provider, **amount)
    said = f"{rules.money(charge.amount_cents, charge.currency)}, {charge.id}"
    auditing.record(ACTOR, f"payments.{charge.kind}", f"agent:{row.account}", charge.at, said)


def _next(row: Subscription, now: float) -> Step | None:
    return rules.step(subscriptions.facts(row), subscriptions.terms(row.account), now)


def carry_out(account: str, now: float) -> list[Step]:
    """Take the steps that are due for an account, in the caller's transaction; each sets a fact that ends its being due."""
    steps: list[Step] = []
    row = subscriptions.found(account)
    while _left_at(account) is None and (step := _next(row, now)) is not None:
        _take(row, step, now)
        steps.append(step)
        row = subscriptions.found(account)
    state = subscriptions.state(row, now)
    if row.state != state:
        payments.change(account, state=str(state))
    return steps


def _take(row: Subscription, step: Step, now: float) -> None:
    known, terms = subscriptions.facts(row), subscriptions.terms(row.account)
    after = rules.taken(known, step, now)
    payments.change(row.account, **{name: getattr(after, name) for name in subscriptions.FACTS})
    if step is Step.SUSPEND:
        accounts.set_state(ACTOR, row.account, AccountState.SUSPENDED, Hold.PAYMENT)
    elif step is Step.RESUME:
        accounts.set_state(ACTOR, row.account, AccountState.ACTIVE, Hold.PAYMENT)
    elif step is Step.CLOSE:
        _delete_bots(row.account, now)
    auditing.record(ACTOR, f"payments.{step}", f"agent:{row.account}", now)
    if step is not Step.RESUME or not holds.held_by_operator(row.account):
        payment_mails.post(accounts.found(row.account).email, step, after, terms, now)


def _delete_bots(account: str, now: float) -> None:
    """Delete the bots that nobody else owns, with their data, and write to those bots' members."""
    for bot in bot_rows.listed(of=account):
        owners = {row.source for row in agents.people_of([bot.id], Belonging.OWNER)}
        if owners == {account} and not (bot.desired == Desired.ABSENT and bot.purge):
            sharing.tell_gone(account, bot, now)
            bots.delete(ACTOR, bot.id, purge=True)
