"""The postman: a thread of the public app that delivers the mails in the outbox, by SMTP or into a file."""

import logging
import mailbox
import smtplib
import ssl
import threading
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from functools import partial
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from pillar_service.core.errors import Invalid, SaltcellarError
from pillar_service.core.people.mails import MAILABLE
from pillar_service.settings import settings
from pillar_service.usecases.people import mails
from pillar_service.usecases.people.mails import Claimed
from pillar_service.web import threads

EVERY_S = 1.0
"""How often it looks into the outbox, in seconds."""

TIMEOUT_S = 20.0
SHOWN = 50
LOOPBACK = ("localhost", "127.0.0.1", "::1")

log = logging.getLogger(__name__)


def message(mail: Claimed) -> EmailMessage:
    """The mail as it is sent. Raises ValueError for an address that could be read as another one, or as several."""
    if not MAILABLE.fullmatch(mail.recipient):
        raise ValueError("Mail can't be sent to this address.")
    made = EmailMessage()
    user, _, domain = (settings().mail_from or f"post@{settings().domain}").rpartition("@")
    made["From"] = Address(settings().domain, user, domain)
    user, _, domain = mail.recipient.rpartition("@")
    made["To"] = Address(username=user, domain=domain)
    made["Subject"] = mail.subject
    made["Date"] = formatdate(mail.created_at)
    made["Message-ID"] = f"<{mail.id}@{settings().domain}>"
    made.set_content(mail.text)
    return made


def deliver() -> bool:
    """Deliver one mail that is due; returns False if none is.

    The reason of a failure is kept. The mail is tried again later, for a day, unless the failure is permanent.
    """
    mail = mails.claim()
    if mail is None:
        return False
    try:
        send(message(mail), mail.recipient)
    except (OSError, smtplib.SMTPException, ValueError, SaltcellarError) as error:
        log.warning("Mail %s was not delivered: %s", mail.id, error)
        mails.failed(mail, f"{type(error).__name__}: {error}", _is_permanent(error))
    else:
        mails.sent(mail)
    return True


def _is_permanent(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False  # an operator can correct the password
    return isinstance(error, ValueError) or (isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500)


def send(made: EmailMessage, recipient: str) -> None:
    """Send a mail by the way that CELLAR_MAIL names. Raises whatever goes wrong."""
    path = mails.mailbox()
    if path is not None:
        _keep(path, made)
        return
    where = urlsplit(settings().mail)
    if where.scheme not in ("smtp", "smtps") or not where.hostname:
        raise Invalid("CELLAR_MAIL must be smtp://user:password@host:587, smtps://… or file:///path.")
    with _server(where, where.hostname) as server:
        if where.username:
            server.login(unquote(where.username), unquote(where.password or ""))
        server.send_message(made, to_addrs=[recipient])


def _server(where: SplitResult, host: str) -> smtplib.SMTP:
    secure = ssl.create_default_context()
    if where.scheme == "smtps":
        return smtplib.SMTP_SSL(host, where.port or 465, timeout=TIMEOUT_S, context=secure)
    server = smtplib.SMTP(host, where.port or 25, timeout=TIMEOUT_S)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=secure)
    elif where.username and host not in LOOPBACK:
        server.close()
        raise smtplib.SMTPException(f"{host} offers no TLS, so the password could be read on the way: use smtps://.")
    return server


def _keep(path: Path, made: EmailMessage) -> None:
    path.touch(mode=0o600)
    box = mailbox.mbox(path)
    box.lock()
    try:
        box.add(made)
        box.flush()
    finally:
        box.close()


def kept(path: Path) -> list[dict[str, str]]:
    """The newest mails in a mailbox file, the newest first."""
    box = mailbox.mbox(path) if path.exists() else []
    found = [
        {
            **{name.lower(): str(mail[name]) for name in ("To", "Subject", "Date")},
            "text": (mail.get_payload(decode=True) or b"").decode(errors="replace"),
        }
        for mail in list(box)[-SHOWN:]
    ]
    return found[::-1]


def start() -> threading.Event:
    """Start the thread. Set the event that is returned to stop it."""
    return threads.start("posting", partial(threads.go_on, deliver, EVERY_S))
