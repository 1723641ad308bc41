"""Mails: a stand-in with the signature of the outbox."""


def send(to: str, subject: str, text: str, now: float) -> None:
    """Queue a mail in the caller's transaction."""
