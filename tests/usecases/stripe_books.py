"""What the fake Stripe keeps: customers, subscriptions, invoices, charges, and its own clock."""

import calendar
import copy
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

HOUR, DAY = 3600, 86_400
PRICE = "price_month"
CENTS = 500


def month_after(at: int, anchor: int) -> int:
    then = datetime.fromtimestamp(at, UTC)
    year, month = (then.year + 1, 1) if then.month == 12 else (then.year, then.month + 1)
    day = min(anchor, calendar.monthrange(year, month)[1])
    return int(then.replace(year=year, month=month, day=day).timestamp())


class Books:
    """The fake's state. ``tell`` gets each event; things happen only by calls or as the clock moves."""

    def __init__(self, now: float, tell: Callable[[dict[str, Any]], None]) -> None:
        self.now, self._tell, self._numbers = int(now), tell, itertools.count(1)
        self.customers: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.invoices: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        self.declined: set[str] = set()
        """Customers whose cards are declined."""

    def new(self, kind: str, prefix: str, **fields: Any) -> dict[str, Any]:
        return {"id": f"{prefix}_{next(self._numbers):06d}", "object": kind, "created": self.now, **fields}

    def happen(self, type: str, about: dict[str, Any]) -> None:
        event = self.new("event", "evt", type=type, livemode=False, api_version="2026-10-28.endive", pending_webhooks=1)
        self._tell(
            {**event, "data": {"object": copy.deepcopy(about)}, "request": {"id": None, "idempotency_key": None}}
        )

    def delete_customer(self, id: str) -> None:
        """An operator deletes a customer in Stripe's dashboard: all subscriptions end, and only reading it is possible."""
        for subscription in self.subscriptions.values():
            if subscription["customer"] == id and subscription["status"] != "canceled":
                self.end(subscription["id"])
        self.customers[id] = {"id": id, "object": "customer", "deleted": True}
        self.happen("customer.deleted", {**self.customers[id], "customer": None})

    def complete(self, session: str) -> dict[str, Any]:
        """The person pays in the checkout with a card that works."""
        told = self.sessions[session]
        assert told["status"] == "open", "a checkout is completed once"
        told.update(status="complete", url=None)
        trial_end, customer = told.pop("_trial_end"), told["customer"]
        anchor = datetime.fromtimestamp(trial_end or self.now, UTC).day
        end = trial_end or month_after(self.now, anchor)
        item = self.new("subscription_item", "si", current_period_start=self.now, current_period_end=end, quantity=1)
        made = self.new(
            "subscription",
            "sub",
            customer=customer,
            status="trialing" if trial_end else "active",
            items={"object": "list", "data": [item], "has_more": False},
            cancel_at_period_end=False,
            cancel_at=None,
            canceled_at=None,
            ended_at=None,
            cancellation_details={"comment": None, "feedback": None, "reason": None},
            trial_end=trial_end,
            _anchor=anchor,
        )
        self.subscriptions[made["id"]] = made
        self.happen("customer.subscription.created", made)
        self._collect(self._bill(made, 0 if trial_end else CENTS))
        self.happen("checkout.session.completed", told)
        return made

    def expire(self, session: str) -> dict[str, Any]:
        """The checkout page expires: nobody can pay there."""
        told = self.sessions[session]
        told.update(status="expired", url=None)
        self.happen("checkout.session.expired", told)
        return told

    def _bill(self, subscription: dict[str, Any], cents: int) -> dict[str, Any]:
        item = subscription["items"]["data"][0]
        period = {"start": item["current_period_start"], "end": item["current_period_end"]}
        line = self.new("line_item", "il", amount=cents, period=period)
        parent = {"type": "subscription_details", "subscription_details": {"subscription": subscription["id"]}}
        invoice = self.new(
            "invoice",
            "in",
            customer=subscription["customer"],
            status="draft",
            amount_due=cents,
            amount_paid=0,
            currency="usd",
            parent=parent,
            lines={"object": "list", "data": [line], "has_more": False},
            _collect_at=self.now + HOUR,
            _tries=0,
        )
        self.invoices[invoice["id"]] = invoice
        self.happen("invoice.created", invoice)
        return invoice

    def _collect(self, invoice: dict[str, Any]) -> None:
        customer, cents = invoice["customer"], invoice["amount_due"]
        invoice["status"] = "open"
        is_paid = cents == 0 or customer not in self.declined
        if cents:
            said = None if is_paid else "Your card was declined."
            charge = self.new("charge", "ch", customer=customer, amount=cents, amount_refunded=0, currency="usd")
            charge |= {
                "status": "succeeded" if is_paid else "failed",
                "failure_message": said,
                "disputed": False,
                "refunds": [],
            }
            self.charges[charge["id"]] = charge
            self.happen("charge.succeeded" if is_paid else "charge.failed", charge)
        invoice["_tries"] += 1
        invoice["_collect_at"] = self.now + 2 * DAY
        [subscription] = [
            one
            for one in self.subscriptions.values()
            if one["id"] == invoice["parent"]["subscription_details"]["subscription"]
        ]
        if is_paid:
            invoice.update(status="paid", amount_paid=cents)
            self.happen("invoice.paid", invoice)
        else:
            self.happen("invoice.payment_failed", invoice)
        if subscription["status"] != "trialing":
            self._stand(subscription, "active" if is_paid else "past_due")

    def _stand(self, subscription: dict[str, Any], status: str) -> None:
        if subscription["status"] != status:
            subscription["status"] = status
            self.happen("customer.subscription.updated", subscription)

    def end(self, id: str, reason: str = "cancellation_requested") -> dict[str, Any]:
        """End a subscription at once."""
        told = self.subscriptions[id]
        told.update(status="canceled", canceled_at=told["canceled_at"] or self.now, ended_at=self.now)
        told["cancellation_details"]["reason"] = told["cancellation_details"]["reason"] or reason
        self.happen("customer.subscription.deleted", told)
        return told

    def cancel_at_period_end(self, id: str) -> None:
        """The person cancels in the portal."""
        told = self.subscriptions[id]
        told.update(cancel_at_period_end=True, canceled_at=self.now)
        told["cancel_at"] = told["items"]["data"][0]["current_period_end"]
        told["cancellation_details"]["reason"] = "cancellation_requested"
        self.happen("customer.subscription.updated", told)

    def change_card(self, customer: str, works: bool) -> None:
        """The person changes the card in the portal; open invoices are charged to it at once."""
        (self.declined.discard if works else self.declined.add)(customer)
        self.happen("payment_method.attached", self.new("payment_method", "pm", customer=customer))
        for invoice in [one for one in self.invoices.values() if one["status"] == "open"]:
            if invoice["customer"] == customer:
                self._collect(invoice)

    def refund(self, charge: str, cents: int | None = None) -> dict[str, Any]:
        """An operator (in Stripe's dashboard) or the service refunds money."""
        told = self.charges[charge]
        amount = told["amount"] - told["amount_refunded"] if cents is None else cents
        assert 0 < amount <= told["amount"] - told["amount_refunded"], "no more than was paid"
        refund = self.new("refund", "re", charge=charge, amount=amount, currency="usd", status="succeeded")
        told["refunds"].insert(0, refund)
        told["amount_refunded"] += amount
        self.happen("refund.created", {**refund, "customer": None})
        self.happen("charge.refunded", told)
        return refund

    def advance(self, to: float) -> None:
        """Move the clock on; renewals, retries and ends happen in order."""
        while (moment := min([at for at, _ in self._coming()], default=to + 1)) <= to:
            self.now = int(moment)
            for at, act in self._coming():
                if at <= moment:
                    act()
                    break
        self.now = int(to)

    def _coming(self) -> list[tuple[int, Callable[[], Any]]]:
        coming: list[tuple[int, Callable[[], Any]]] = []
        for one in self.subscriptions.values():
            if one["status"] in ("active", "trialing", "past_due"):
                end = one["items"]["data"][0]["current_period_end"]
                coming.append((end, lambda one=one: self._renew(one)))
        for invoice in self.invoices.values():
            if invoice["status"] in ("draft", "open") and invoice["_tries"] < 4:
                coming.append((invoice["_collect_at"], lambda invoice=invoice: self._collect(invoice)))
            elif invoice["status"] == "open":
                coming.append((invoice["_collect_at"], lambda invoice=invoice: self._give_up(invoice)))
        return coming

    def _renew(self, subscription: dict[str, Any]) -> None:
        if subscription["cancel_at_period_end"]:
            self.end(subscription["id"])
            return
        item = subscription["items"]["data"][0]
        start = item["current_period_end"]
        item.update(current_period_start=start, current_period_end=month_after(start, subscription["_anchor"]))
        if subscription["status"] == "trialing":
            subscription["status"] = "active"
        self.happen("customer.subscription.updated", subscription)
        self._bill(subscription, CENTS)

    def _give_up(self, invoice: dict[str, Any]) -> None:
        invoice["status"] = "uncollectible"
        reference = invoice["parent"]["subscription_details"]["subscription"]
        if self.subscriptions[reference]["status"] != "canceled":
            self.end(reference, "payment_failed")
