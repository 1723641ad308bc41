"""A fake of Stripe at the wire: the part of its API that we use, checkout and portal pages, and signed webhooks.

It is stricter than the real one: each POST needs an Idempotency-Key, each parameter must be known, each list needs a
limit.
"""

import hashlib
import hmac
import json
import secrets
import threading
import time
from html import escape
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request, urlopen

from answering import Standing
from stripe_books import PRICE, Books

KEY = "sk_test_only"
WEBHOOK_SECRET = "whsec_only_for_tests"

KNOWN = {
    ("POST", "customers"): {"email", "metadata[account]"},
    ("GET", "customers"): set(),
    ("GET", "customers/search"): {"query", "limit"},
    ("POST", "checkout/sessions"): {
        "mode", "customer", "client_reference_id", "line_items[0][price]", "line_items[0][quantity]", "success_url",
        "cancel_url", "subscription_data[trial_end]", "metadata[order]",
    },
    ("POST", "checkout/sessions/expire"): set(),
    ("GET", "checkout/sessions"): {"customer", "status", "limit"},
    ("POST", "billing_portal/sessions"): {"customer", "return_url"},
    ("POST", "refunds"): {"charge"},
    ("GET", "subscriptions"): {"customer", "status", "limit"},
    ("DELETE", "subscriptions"): set(),
    ("GET", "invoices"): {"customer", "status", "limit"},
    ("GET", "charges"): {"customer", "limit", "expand[0]"},
}  # fmt: skip
TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 404: "invalid_request_error"}


class Refused(Exception):
    """An answer of 400 or more."""

    def __init__(self, status: int, message: str, type: str | None = None, **more: Any) -> None:
        self.status = status
        self.body = {"error": {"type": type or TYPES.get(status, "api_error"), "message": message, **more}}


def signature(payload: bytes, secret: str = WEBHOOK_SECRET, at: float | None = None) -> str:
    """The Stripe-Signature header for a payload."""
    stamp = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={mac},v0={'0' * 64}"


class FakeStripe(Standing):
    """The server, on a port of its own. ``events`` has all that happened; a ``webhook`` also gets each at once."""

    def __init__(self, now: float | None = None, webhook: str | None = None) -> None:
        self.books = Books(time.time() if now is None else now, self._told)
        self.events: list[dict[str, Any]] = []
        self.webhook, self.is_away = webhook, False
        self.asked: list[tuple[str, str]] = []
        self._kept: dict[str, tuple[Any, int, dict[str, Any]]] = {}
        self._outgoing: list[dict[str, Any]] = []
        self._lock = threading.RLock()
        super().__init__(_Handler)

    def settings(self) -> dict[str, str]:
        """Settings with which the service uses it."""
        told = {"PAYMENTS": "stripe", "STRIPE_KEY": KEY, "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET, "STRIPE_PRICE": PRICE}
        return {f"CELLAR_{name}": value for name, value in (told | {"STRIPE_URL": self.url}).items()}

    def _told(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self._outgoing.append(event)
        if not self._lock._is_owned():  # Otherwise after the request that caused it, since the receiver asks back.
            self.send_out()

    def send_out(self) -> None:
        """Send what has not been sent yet, if there is a webhook."""
        outgoing, self._outgoing = self._outgoing, []
        for event in outgoing if self.webhook else ():
            self.send(event)

    def send(self, event: dict[str, Any], secret: str = WEBHOOK_SECRET, at: float | None = None) -> int:
        """Send an event to the webhook; return the status of the answer."""
        payload, told = sent(event, secret, at)
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": told}
        try:
            with urlopen(Request(self.webhook or "", payload, headers), timeout=30) as answer:
                return int(answer.status)
        except HTTPError as refused:
            return refused.code

    def answer(self, method: str, path: str, given: list[tuple[str, str]], headers: Any) -> tuple[int, dict[str, Any]]:
        """Answer a request to the API."""
        if headers.get("Authorization") != f"Bearer {KEY}":
            raise Refused(401, "Invalid API Key provided")
        if self.is_away:
            raise Refused(503, "Stripe is having a bad day")
        name, id = _named(path)
        asked = self._checked(method, name, given)
        self.asked.append((method, path))
        if method != "POST":
            return 200, self._read(method, name, id, asked)
        if headers.get("Content-Type", "").split(";")[0] != "application/x-www-form-urlencoded":
            raise Refused(400, "Send a form")
        return self._once(headers.get("Idempotency-Key"), name, id, asked)

    def _checked(self, method: str, name: str, given: list[tuple[str, str]]) -> dict[str, str]:
        if (method, name) not in KNOWN:
            raise Refused(404, f"Unrecognized request URL ({method}: /v1/{name})")
        for key, _ in given:
            if key not in KNOWN[method, name]:
                raise Refused(400, f"Received unknown parameter: {key}", code="parameter_unknown", param=key)
        asked = dict(given)
        if len(asked) != len(given):
            raise Refused(400, "A parameter was sent twice")
        if method == "GET" and name != "customers" and not 1 <= int(asked.get("limit", 0)) <= 100:
            raise Refused(400, "Lists are asked for with a limit from 1 to 100")
        if "customer" in asked and not self._is_there(asked["customer"], method):
            raise Refused(400, f"No such customer: '{asked['customer']}'", code="resource_missing", param="customer")
        return asked

    def _is_there(self, customer: str, method: str) -> bool:
        found = self.books.customers.get(customer)
        return found is not None and (method == "GET" or "deleted" not in found)

    def _once(self, key: str | None, name: str, id: str, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if not key:
            raise Refused(400, "Each POST needs an Idempotency-Key")
        if key in self._kept:
            before, status, body = self._kept[key]
            if before != (name, id, asked):
                raise Refused(400, "Keys for idempotent requests can only be used with the same parameters",
                              "idempotency_error")  # fmt: skip
            return status, body
        body = {
            "customers": self._customer,
            "checkout/sessions": self._session,
            "checkout/sessions/expire": lambda _: self._expired(id),
            "billing_portal/sessions": self._portal,
            "refunds": self._refund,
        }[name](asked)
        self._kept[key] = ((name, id, asked), 200, body)
        return 200, body

    def _customer(self, asked: dict[str, str]) -> dict[str, Any]:
        account = asked["metadata[account]"]
        made = self.books.new("customer", "cus", email=asked["email"], metadata={"account": account})
        self.books.customers[made["id"]] = made
        return made

    def _session(self, asked: dict[str, str]) -> dict[str, Any]:
        trial = int(asked["subscription_data[trial_end]"]) if "subscription_data[trial_end]" in asked else None
        if asked["mode"] != "subscription" or asked["line_items[0][price]"] != PRICE:
            raise Refused(400, f"No such price: '{asked.get('line_items[0][price]')}'", code="resource_missing")
        if trial is not None and not 48 * 3600 <= trial - self.books.now <= 730 * 86_400:
            raise Refused(400, "The `trial_end` date has to be at least 2 days in the future")
        kept = {key: asked[key] for key in ("customer", "client_reference_id", "success_url", "cancel_url", "mode")}
        made = self.books.new("checkout.session", "cs_test", status="open", **kept)
        made |= {"url": f"{self.url}/pay/{made['id']}", "_trial_end": trial}
        made["metadata"] = {"order": asked["metadata[order]"]} if "metadata[order]" in asked else {}
        self.books.sessions[made["id"]] = made
        return public(made)

    def _expired(self, id: str) -> dict[str, Any]:
        status = self.books.sessions[id]["status"]
        if status != "open":
            raise Refused(400, f"Only Checkout Sessions that are open can be expired. This one is `{status}`.")
        return public(self.books.expire(id))

    def _portal(self, asked: dict[str, str]) -> dict[str, Any]:
        made = self.books.new("billing_portal.session", "bps", **asked)
        return made | {"url": f"{self.url}/portal/{asked['customer']}?back={asked['return_url']}"}

    def _refund(self, asked: dict[str, str]) -> dict[str, Any]:
        charge = self.books.charges.get(asked.get("charge", ""))
        if charge is None:
            raise Refused(400, f"No such charge: '{asked.get('charge')}'", code="resource_missing", param="charge")
        if charge["status"] != "succeeded":
            raise Refused(400, f"Charge {charge['id']} has not been paid, so it can't be refunded.")
        if charge["amount_refunded"] == charge["amount"]:
            raise Refused(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
        return public(self.books.refund(charge["id"]))

    def _read(self, method: str, name: str, id: str, asked: dict[str, str]) -> dict[str, Any]:
        if method == "DELETE":
            if self.books.subscriptions.get(id, {}).get("status") in (None, "canceled"):
                raise Refused(404, f"No such subscription: '{id}'", code="resource_missing", param="id")
            return public(self.books.end(id))
        if name.startswith("customers"):
            return self._customers(id, asked)
        rows = {
            "checkout/sessions": self.books.sessions, "subscriptions": self.books.subscriptions,
            "invoices": self.books.invoices, "charges": self.books.charges,
        }[name].values()  # fmt: skip
        wanted = asked.get("status")
        if name == "subscriptions" and wanted != "all":
            raise Refused(400, "Here canceled subscriptions are asked for too")
        found = [row for row in rows if row["customer"] == asked["customer"]]
        chosen = [row for row in found if wanted in (None, "all", row["status"])][::-1][: int(asked["limit"])]
        return {
            "object": "list",
            "url": f"/v1/{name}",
            "has_more": False,
            "data": [_shown(row, asked) for row in chosen],
        }

    def _customers(self, id: str, asked: dict[str, str]) -> dict[str, Any]:
        if not id:
            account = asked["query"].removeprefix("metadata['account']:'").removesuffix("'")
            there = [one for one in self.books.customers.values() if "deleted" not in one]
            found = [one for one in there if one["metadata"]["account"] == account][::-1][: int(asked["limit"])]
            return {"object": "search_result", "url": "/v1/customers/search", "has_more": False, "data": found}
        if id not in self.books.customers:
            raise Refused(404, f"No such customer: '{id}'", code="resource_missing", param="id")
        return self.books.customers[id]

    def page(self, method: str, path: str, query: dict[str, str], form: dict[str, str]) -> tuple[int, str, str]:
        """What a person gets: status, page, address of a redirect."""
        kind, id = path.strip("/").split("/", 1)
        if kind == "pay":
            session = self.books.sessions[id]
            if method == "POST" and session["status"] == "open":
                self.books.complete(id)
                return 303, "", session["success_url"]
            return 200, _form("Pay $5 a month", pay="Pay") + _link(session["cancel_url"]), ""
        if method == "POST":
            self._in_portal(id, form)
            return 303, "", query["back"]
        return 200, _form("Your card", change="Change the card", cancel="Cancel") + _link(query["back"]), ""

    def _in_portal(self, customer: str, form: dict[str, str]) -> None:
        if "change" in form:
            self.books.change_card(customer, works=True)
        for id, one in list(self.books.subscriptions.items()):
            if "cancel" in form and one["customer"] == customer and one["status"] != "canceled":
                self.books.cancel_at_period_end(id)


def _named(path: str) -> tuple[str, str]:
    """The name of a path's resource, and the id in the path."""
    name, _, id = path.partition("/")
    if name in ("subscriptions", "customers") and id not in ("", "search"):
        return name, id
    if path.startswith("checkout/sessions/"):
        _, _, id, deed = path.split("/")
        return f"checkout/sessions/{deed}", id
    return path, ""


def sent(event: dict[str, Any], secret: str = WEBHOOK_SECRET, at: float | None = None) -> tuple[bytes, str]:
    """An event on the wire: its payload and its signature."""
    payload = json.dumps(public(event)).encode()
    return payload, signature(payload, secret, at)


def public(value: Any) -> Any:
    """The value without the fields that only the fake knows."""
    if isinstance(value, dict):
        return {key: public(inside) for key, inside in value.items() if not key.startswith("_")}
    return [public(inside) for inside in value] if isinstance(value, list) else value


def _shown(row: dict[str, Any], asked: dict[str, str]) -> dict[str, Any]:
    if row["object"] != "charge":
        return dict(public(row))
    is_expanded = asked.get("expand[0]") == "data.refunds"
    refunds = {"object": "list", "data": row["refunds"], "has_more": False} if is_expanded else None
    return {**public(row), "refunds": refunds}


def _form(title: str, **buttons: str) -> str:
    inside = "".join(f'<button name="{key}" value="1">{escape(text)}</button>' for key, text in buttons.items())
    return f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1><form method="post">{inside}</form>'


def _link(address: str) -> str:
    return f'<a href="{escape(address)}">Back</a></html>'


class _Handler(BaseHTTPRequestHandler):
    fake: FakeStripe
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with self.fake._lock:
            if parts.path.startswith("/v1/"):
                self._api(parts.path.removeprefix("/v1/"), parse_qsl(parts.query) + parse_qsl(body))
            else:
                query, form = dict(parse_qsl(parts.query)), dict(parse_qsl(body))
                seen = self.fake.page(self.command, parts.path, query, form)
        self.fake.send_out()
        if not parts.path.startswith("/v1/"):
            self._page(*seen)

    do_GET = do_POST = do_DELETE = _any  # noqa: N815

    def _api(self, path: str, given: list[tuple[str, str]]) -> None:
        try:
            status, body = self.fake.answer(self.command, path, given, self.headers)
        except Refused as refused:
            status, body = refused.status, refused.body
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/json", "Request-Id": "req_1"})

    def _page(self, status: int, page: str, location: str) -> None:
        self._send(status, page.encode(), {"Content-Type": "text/html"} | ({"Location": location} if location else {}))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "X-Id": secrets.token_hex(4)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
