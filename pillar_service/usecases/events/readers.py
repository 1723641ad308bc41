"""Readers: whom events are forwarded to by mail or in chat, and who is warned when a forwarding is switched off."""

from pillar_service.core.events import digests
from pillar_service.core.events.forwarding import Way
from pillar_service.core.people import mails as letters
from pillar_service.core.people.agents import AccountRole, AccountState
from pillar_service.core.people.mails import Letter
from pillar_service.settings import settings
from pillar_service.store.events.forwardings import Forwarding
from pillar_service.store.people import accounts
from pillar_service.usecases.chat import outbox
from pillar_service.usecases.events import forwarded
from pillar_service.usecases.events.forwarded import Batch
from pillar_service.usecases.people import mails, permissions

NOBODY = "Whoever made this has no verified address, or may no longer read it: mend that, then switch it on again."


def tell(one: Forwarding, batch: Batch, now: float) -> bool:
    """Put a batch's text into the right outbox, in the caller's transaction; returns whether anybody may read it."""
    title, text = forwarded.told(one, batch, link(one))
    if one.way == Way.SLACK:
        outbox.post(one.address, {"text": digests.in_chat(f"{settings().domain}: {title}\n{text}")})
        return True
    if (reader := of(one)) is None:
        return False
    mails.post(reader, Letter(f"{settings().domain}: {title}", text), now=now)
    return True


def warn(one: Forwarding, why: str, now: float) -> None:
    """Write to the maker of a forwarding that it was switched off."""
    if (reader := of(one)) is not None:
        where = one.address or one.way
        mails.post(reader, letters.forwarding_failed(settings().domain, where, why, link(one)), now=now)


def of(one: Forwarding) -> str | None:
    """The address of the forwarding's maker, as long as they may read what it forwards; else None."""
    maker = accounts.find(one.maker)
    if maker is None or maker.verified_at is None or maker.state != AccountState.ACTIVE:
        return None
    may = one.account is not None or permissions.role_of(maker.id, maker.role) is AccountRole.OPERATOR
    return str(maker.email) if may else None


def link(one: Forwarding) -> str:
    """The page that shows it."""
    return f"{settings().address}/{'account' if one.account is not None else 'admin'}/forwardings"


def subject(account: str | None) -> str:
    """What the audit names as the owner of a forwarding."""
    return f"agent:{account}" if account is not None else "operators"
