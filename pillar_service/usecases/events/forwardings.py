"""Forwardings: where an account's events go, or (account None) everything for operators: make, test, switch, remove."""

import time
from typing import Any

from pillar_service.core import addresses, names
from pillar_service.core.errors import Conflict, Invalid, NotFound
from pillar_service.core.events import forwarding
from pillar_service.core.events.events import Filter, Severity
from pillar_service.core.events.forwarding import ForwardingState, Way
from pillar_service.core.people.permissions import NodeAct
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.events import events
from pillar_service.store.events import forwardings as rows
from pillar_service.store.events.forwardings import Forwarding
from pillar_service.store.people import accounts
from pillar_service.usecases.events import forwarded
from pillar_service.usecases.events.deliveries import SEALED
from pillar_service.usecases.events.readers import subject
from pillar_service.usecases.people import mails, permissions
from pillar_service.usecases.service import auditing, sealing

COUNTED = 1000
"""Waiting events are counted only up to this number."""


def listed(account: str | None) -> list[dict[str, Any]]:
    """An account's forwardings, or (None) the operators'."""
    return [described(one) for one in rows.of(account)]


def make(maker: str, account: str | None, way: object, address: object = "", **asked: object) -> dict[str, Any]:
    """Forward matching events from now on (``asked``: a filter); a webhook's ``secret`` is returned, and shown only here.

    Mail goes to the verified address of ``maker``, an account's id. Raises Invalid, Forbidden, Conflict.
    """
    chosen, wanted, now, id = names.one_of(Way, way, "way"), Filter.read(**asked), time.time(), names.new_id()
    where = _address(maker, account, chosen, address)
    secret = forwarding.new_secret() if chosen is Way.WEBHOOK else None
    sealed = None if secret is None else sealing.seal(SEALED, id, secret)
    with transaction():
        _require(account, NodeAct.CONFIGURE)
        if len(rows.of(account)) >= forwarding.MOST:
            raise Conflict(f"There are already {forwarding.MOST} forwardings: remove one first.")
        kept = {"filter": _kept(wanted), "state": str(ForwardingState.ON), "cursor": events.newest(), "created_at": now}
        whose = {"account": account, "maker": maker}
        made = rows.add(id=id, way=str(chosen), address=where, secret=sealed, **whose, **kept)
        auditing.record(f"account:{maker}", "forwardings.make", subject(account), now, f"{id}: {chosen} {where}")
        return described(made) | {"secret": secret}


def _address(maker: str, account: str | None, way: Way, given: object) -> str:
    if way is Way.WEBHOOK:
        addresses.address(given, bool(settings().webhook_networks))
        return str(given)
    if given not in (None, "") and way is Way.MAIL:
        raise Invalid("Mail goes to your own address: leave the address empty.")
    if way is Way.MAIL:
        _require_mail(maker)
        return ""
    if account is not None or not settings().slack_bot_token:
        raise Invalid("Only operators can forward to Slack, and only if there is a Slack app (CELLAR_SLACK_BOT_TOKEN).")
    return forwarding.channel(given)


def _require_mail(maker: str) -> None:
    found = accounts.find(maker)
    if not mails.is_set_up():
        raise Invalid(mails.NO_MAIL)
    if found is None or found.verified_at is None:
        raise Conflict("Your address is not verified: verify it on your account's page first.")


def _kept(wanted: Filter) -> dict[str, str]:
    """A filter as it is stored: only what it asks for, as text."""
    told = {name: str(value) for name, value in vars(wanted).items() if value is not None and name != "severity"}
    return told | ({"severity": wanted.severity.name.lower()} if wanted.severity is not Severity.INFO else {})


def _require(account: str | None, act: NodeAct) -> None:
    if account is not None:
        permissions.require_nodes(account, act, account)


def _found(account: str | None, id: object) -> Forwarding:
    one = rows.find(id) if names.is_id(id) else None
    if one is None or one.account != account:
        raise NotFound(f"There is no forwarding {names.shown(id)}.")
    return one


def switch(actor: str, account: str | None, id: object, is_on: bool) -> dict[str, Any]:
    """Switch a forwarding off, or on again from where it stopped; returns it. Raises NotFound, Forbidden."""
    with transaction():
        one = _found(account, id)
        _require(account, NodeAct.CONFIGURE if is_on else NodeAct.REVOKE)
        state = ForwardingState.ON if is_on else ForwardingState.OFF
        if one.state != state:
            fresh = {"failures": 0, "failing_since": None, "error": None, "not_before": 0.0} if is_on else {}
            rows.change(one.id, state=str(state), test=None, **fresh)
            auditing.record(actor, f"forwardings.{state}", subject(account), time.time(), one.id)
        return described(_found(account, id))


def test(actor: str, account: str | None, id: object) -> dict[str, Any]:
    """Send a test event next, before any other; returns the forwarding. Raises NotFound, Forbidden, Conflict (not on)."""
    with transaction():
        one = _found(account, id)
        _require(account, NodeAct.CONFIGURE)
        if one.state != ForwardingState.ON:
            raise Conflict("It is not on: switch it on first.")
        rows.change(one.id, test=names.new_id(), not_before=0.0)
        auditing.record(actor, "forwardings.test", subject(account), time.time(), one.id)
        return described(_found(account, id))


def remove(actor: str, account: str | None, id: object) -> None:
    """Delete a forwarding, with everything that waits for it. Raises NotFound, Forbidden."""
    with transaction():
        one = _found(account, id)
        _require(account, NodeAct.REVOKE)
        rows.forget(one.id)
        auditing.record(
            actor, "forwardings.remove", subject(account), time.time(), f"{one.id}: {one.way} {one.address}"
        )


forget = rows.forget_account
"""Delete all forwardings of an account, in the caller's transaction."""

SHOWN = ("id", "way", "address", "filter", "state", "error", "failures", "failing_since", "sent", "sent_at", "lost")


def described(one: Forwarding) -> dict[str, Any]:
    """A forwarding as pages and the API show it: all but its secret.

    It says how many events wait (at most COUNTED), and since when.
    """
    waits = events.waiting(forwarded.which(one), COUNTED)
    return {name: getattr(one, name) for name in (*SHOWN, "created_at")} | {
        "is_tested": one.test is not None,
        "waiting": len(waits),
        "waiting_since": waits[0] if waits else None,
        "next_at": one.not_before if one.failures and one.state == ForwardingState.ON else None,
    }
