"""Mail: written in the transaction that it is about, and delivered afterwards by whoever claims it.

A mail is sent once, except in one case that SMTP leaves open: if a deliverer dies after the server took the mail and
before that was written down, it is sent again. Both have the same Message-ID.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pillar_service.core import names
from pillar_service.core.durations import DAY_S
from pillar_service.core.people import mails as rules
from pillar_service.core.people.mails import Letter, MailState
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.people import mails

KEPT_S = 30 * DAY_S
NO_MAIL = "Mail is not set up here (CELLAR_MAIL)."


@dataclass(frozen=True)
class Claimed:
    """A mail that is ours to deliver."""

    id: str
    recipient: str
    subject: str
    text: str
    attempts: int
    created_at: float


def is_set_up() -> bool:
    """Whether this place sends mail."""
    return bool(settings().mail)


def mailbox() -> Path | None:
    """The file that mail is written to on a place that is only being tried (CELLAR_MAIL is file:///path); otherwise None."""
    where = urlsplit(settings().mail)
    return Path(unquote(where.path)) if where.scheme == "file" else None


def post(to: str, letter: Letter, is_void: bool = False, now: float | None = None) -> None:
    """Queue a letter in the caller's transaction. A void one takes the same work, but is never sent."""
    at, state = time.time() if now is None else now, MailState.VOID if is_void else MailState.QUEUED
    if state is MailState.QUEUED and not is_set_up():
        mails.add(names.new_id(), to, letter.subject, "", MailState.GIVEN_UP, at, NO_MAIL)
    else:
        mails.add(names.new_id(), to, letter.subject, letter.text, state, at, None)


def claim() -> Claimed | None:
    """The due mail that has waited longest, ours for two minutes; None if there is none, or if somebody else took it."""
    now = time.time()
    if mails.due(now, rules.LONGEST_PAUSE_S) is None:
        return None
    with transaction():
        mails.forget(now - KEPT_S)
        mail = mails.due(now, rules.LONGEST_PAUSE_S)
        if mail is None or not mails.claim(mail, now + rules.CLAIMED_S):
            return None
        return Claimed(mail.id, mail.recipient, mail.subject, mail.text, mail.attempts + 1, mail.created_at)


def sent(mail: Claimed) -> None:
    """Record that the server took a mail, and forget its text."""
    with transaction():
        mails.change(mail.id, mail.attempts, state=str(MailState.SENT), ended_at=time.time(), text="", error=None)


def failed(mail: Claimed, reason: str, is_permanent: bool = False) -> None:
    """Record that a mail was not sent, and the reason: try again later, or give up if that is hopeless."""
    now = time.time()
    columns = {"not_before": now + rules.pause_s(mail.attempts), "error": reason[:500]}
    if is_permanent or rules.is_hopeless(mail.created_at, now, mail.attempts):
        columns |= {"state": str(MailState.GIVEN_UP), "ended_at": now, "text": ""}
    with transaction():
        mails.change(mail.id, mail.attempts, **columns)
