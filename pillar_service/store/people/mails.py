"""Mail on its way out."""

from peewee import DoubleField, IntegerField, TextField

from pillar_service.core.people.mails import MailState
from pillar_service.store.database import Table
from pillar_service.store.due import is_due


class Mail(Table):
    """One mail. Its text is blanked after sending, as it may hold a link that gives access to an account."""

    id = TextField(primary_key=True)
    recipient = TextField()
    subject = TextField()
    text = TextField()
    state = TextField()
    attempts = IntegerField(default=0)
    created_at = DoubleField()
    not_before = DoubleField()
    ended_at = DoubleField(null=True)
    error = TextField(null=True)


def add(id: str, recipient: str, subject: str, text: str, state: MailState, now: float, error: str | None) -> None:
    """Add a mail."""
    columns = {"recipient": recipient, "subject": subject, "text": text, "state": str(state)}
    Mail.create(id=id, created_at=now, not_before=now, error=error, **columns)


def due(now: float, longest_s: float) -> Mail | None:
    """The mail that is due and has waited longest.

    A mail that would have to wait for more than ``longest_s`` is due, too: it was put off while the clock was ahead.
    """
    rows = Mail.select().where((Mail.state == str(MailState.QUEUED)) & is_due(Mail.not_before, now, longest_s))
    found: Mail | None = rows.order_by(Mail.not_before, Mail.id).first()
    return found


def claim(mail: Mail, until: float) -> bool:
    """Take a due mail for sending, reserved until ``until`` (Unix seconds); False when another took it first."""
    ours = (Mail.id == mail.id) & (Mail.state == str(MailState.QUEUED)) & (Mail.attempts == mail.attempts)
    return bool(Mail.update(attempts=Mail.attempts + 1, not_before=until).where(ours).execute() == 1)


def change(id: str, attempts: int, **columns: object) -> bool:
    """Record what became of an attempt; False when there was a newer one."""
    ours = (Mail.id == id) & (Mail.attempts == attempts) & (Mail.state == str(MailState.QUEUED))
    return bool(Mail.update(**columns).where(ours).execute() == 1)


def forget(created_before: float) -> None:
    """Delete the mails that are over and were created before ``created_before`` (Unix seconds)."""
    over = (Mail.state != str(MailState.QUEUED)) & (Mail.created_at < created_before)
    Mail.delete().where(over).execute()


def forget_to(recipient: str) -> None:
    """Delete every mail to an address, sent or not."""
    Mail.delete().where(Mail.recipient == recipient).execute()
