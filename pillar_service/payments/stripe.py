"""Stripe: Checkout takes the first payment, Stripe renews each month, the customer portal changes the card or cancels.

Whatever an event says, Stripe is asked for the customer's subscriptions, invoices and charges: so events may come
twice, late, in any order or not at all.
"""

import hashlib
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from pillar_service.core.errors import Failed, Invalid, Unavailable
from pillar_service.core.payments.payments import ProviderName
from pillar_service.payments.provider import Event, NoSuchCustomer, Order, Told
from pillar_service.payments.stripe_facts import facts

TIMEOUT_S = 15
TOLERANCE_S = 300
"""An event whose signature is older, in seconds, is a replay."""

TRIAL_S = (49 * 3600, 729 * 86_400)
"""The shortest and longest trial that is asked for, in seconds: Checkout takes none under 48 hours or over 730 days."""

MISSING = "resource_missing"
JUST_PAID = "That payment was just made or given up: look at your payments again in a minute."

log = logging.getLogger(__name__)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise Unavailable("Stripe does not answer: nothing was changed. Try again in a minute.") from error
    except stripe.StripeError as error:
        if isinstance(error, stripe.InvalidRequestError) and (error.code, error.param) == (MISSING, "customer"):
            raise NoSuchCustomer("Stripe no longer knows you: to pay, begin again.") from error
        log.error("Stripe refused: %s", error)
        raise Failed("Stripe refused what we asked: the reason is in the service's log.") from error


class Stripe:
    """Payments by Stripe, given the account's secret key, the webhook's secret, the monthly price's id, the API's address."""

    name = ProviderName.STRIPE

    def __init__(self, key: str, webhook_secret: str, price: str, url: str) -> None:
        self._price, self._secret = price, webhook_secret
        http = stripe.RequestsClient(timeout=TIMEOUT_S)
        self._client = stripe.StripeClient(
            key, base_addresses={"api": url.rstrip("/")}, max_network_retries=1, http_client=http
        )

    def customer(self, account: str, email: str, known: str | None) -> str:
        if known is not None and self._is_there(known):
            return known
        told: Any = {"email": email, "metadata": {"account": account}}
        with _sentences():
            # A customer that we forgot (because the key was changed, or an old snapshot restored) may be paying
            # already.
            for one in self._client.v1.customers.search({"query": f"metadata['account']:'{account}'", "limit": 2}).data:
                if one.id != known:
                    return str(one.id)
            key = _key("customer", [told, known])
            return str(self._client.v1.customers.create(told, {"idempotency_key": key}).id)

    def _is_there(self, customer: str) -> bool:
        with _sentences():
            try:
                return not getattr(self._client.v1.customers.retrieve(customer), "deleted", False)
            except stripe.InvalidRequestError as error:
                if error.code != MISSING:
                    raise
                return False

    def checkout(self, order: Order, now: float) -> str:
        told = self._told_of(order, now)
        mark = _key("checkout", [told, order.number])
        same = [one for one in self._close(order.customer, but=mark) if one.url]
        if same:
            return str(same[0].url)
        key = f"{mark}-{int(now // 3600)}"
        with _sentences():
            made = self._client.v1.checkout.sessions.create(
                told | {"metadata": {"order": mark}}, {"idempotency_key": key}
            )
        if made.status != "open" or not made.url:
            raise Unavailable(JUST_PAID)
        return str(made.url)

    def _told_of(self, order: Order, now: float) -> Any:
        told: Any = {
            "mode": "subscription",
            "customer": order.customer,
            "client_reference_id": order.account,
            "line_items": [{"price": self._price, "quantity": 1}],
            "success_url": order.done_url,
            "cancel_url": order.cancelled_url,
        }
        # A person who pays early keeps what is covered: Stripe charges for the first time when that ends.
        if order.covered_until > now + TRIAL_S[0]:
            told["subscription_data"] = {"trial_end": math.ceil(min(order.covered_until, now + TRIAL_S[1]))}
        return told

    def _close(self, customer: str, but: str | None = None) -> list[Any]:
        """Close a customer's open pages, except those of the order with the mark ``but``, which are returned."""
        asked: Any = {"customer": customer, "status": "open", "limit": 100}
        with _sentences():
            found = self._client.v1.checkout.sessions.list(asked).data
        same = [one for one in found if but is not None and getattr(one.metadata, "order", None) == but]
        for id in {str(one.id) for one in found} - {str(one.id) for one in same}:
            self._expire(id)
        return same

    def _expire(self, session: str) -> None:
        with _sentences():
            try:
                self._client.v1.checkout.sessions.expire(session)
            except stripe.InvalidRequestError as error:
                raise Unavailable(JUST_PAID) from error

    def portal(self, customer: str, return_url: str) -> str:
        with _sentences():
            made = self._client.v1.billing_portal.sessions.create({"customer": customer, "return_url": return_url})
        return str(made.url)

    def told(self, customer: str) -> Told:
        with _sentences():
            found = self._client.v1.subscriptions.list({"customer": customer, "status": "all", "limit": 100}).data
            invoices = self._client.v1.invoices.list({"customer": customer, "status": "paid", "limit": 24}).data
            charges = self._client.v1.charges.list(
                {"customer": customer, "limit": 100, "expand": ["data.refunds"]}
            ).data
        return facts(found, invoices, charges)

    def cancel(self, reference: str) -> None:
        with _sentences():
            try:
                self._client.v1.subscriptions.cancel(reference)
            except stripe.InvalidRequestError as error:
                if error.code != MISSING:
                    raise

    def close(self, customer: str) -> None:
        self._close(customer)

    def refund(self, charge: str) -> None:
        told: Any = {"charge": charge}
        with _sentences():
            try:
                self._client.v1.refunds.create(told, {"idempotency_key": _key("refund", told)})
            except stripe.InvalidRequestError as error:
                if error.code != "charge_already_refunded":
                    raise

    def event(self, payload: bytes, signature: str) -> Event:
        try:
            if not signature.isascii():
                raise ValueError("A signature is ASCII.")
            sent = self._client.construct_event(payload, signature, self._secret, TOLERANCE_S)
            about = sent.to_dict()["data"]["object"].get("customer")
            customer = about if isinstance(about, str) else None
            return Event(str(sent.id), str(sent.type), float(sent.created), customer)
        except (stripe.SignatureVerificationError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Invalid("That is not an event that Stripe signed for us within the last five minutes.") from error


def _key(what: str, told: object) -> str:
    return f"saltcellar-{what}-{hashlib.sha256(repr(told).encode()).hexdigest()[:32]}"
