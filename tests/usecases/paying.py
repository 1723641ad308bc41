"""What the tests of payments share: days that pass, a person who pays by Stripe, and the mails sent to them."""

import time
from collections.abc import Sequence
from typing import Any

from days import days_pass
from fake_stripe import FakeStripe, sent

from pillar_service.store.database import transaction
from pillar_service.store.payments import payments as rows
from pillar_service.store.people import mails
from pillar_service.usecases.payments import payments

DAY = 86_400.0


class Written(Sequence[tuple[str, str]]):
    """The queued mails: recipient and subject."""

    def _now(self) -> list[tuple[str, str]]:
        rows = list(mails.Mail.select().order_by(mails.Mail.created_at))
        assert all("http://cellar.test/payment" in row.text for row in rows)
        return [(row.recipient, row.subject.removeprefix("butt.nz: ")) for row in rows]

    def __getitem__(self, at: Any) -> Any:
        return self._now()[at]

    def __len__(self) -> int:
        return len(self._now())

    def __eq__(self, other: object) -> bool:
        return self._now() == other

    __hash__ = None  # type: ignore[assignment]


def states(person: str, *days: float) -> list[str]:
    """Let the days pass up to each of these (counted from now); return the state on each."""
    now, seen = time.time(), []
    for day in days:
        days_pass(now + day * DAY)
        seen.append(payments.show(person, now + day * DAY)["state"])
    return seen


def take(event: dict[str, Any]) -> dict[str, Any]:
    return payments.take_event(*sent(event))


def subscribe(stripe: FakeStripe, person: str) -> dict[str, Any]:
    """Let a person pay in the checkout, and take Stripe's events; return the subscription."""
    payments.checkout(person, stripe.books.now)
    [session] = [one for one in stripe.books.sessions.values() if one["status"] == "open"]
    made = stripe.books.complete(session["id"])
    arrive(stripe)
    return made


def arrive(stripe: FakeStripe) -> None:
    """Take all events that have not been taken yet."""
    for event in stripe.events:
        take(event)
    stripe.events.clear()


def ended_trial(person: str) -> None:
    """Let the person's trial have ended a moment ago."""
    with transaction():
        rows.change(person, trial_ends=time.time() - 10)


def kinds(person: str) -> list[str]:
    return [one["kind"] for one in payments.show(person)["payments"]]
