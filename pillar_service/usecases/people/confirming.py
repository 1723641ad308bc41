"""Confirming: before something dangerous, a person who is signed in proves again who they are."""

from pillar_service.core.errors import Unauthenticated
from pillar_service.core.people.limits import Tried
from pillar_service.store.database import transaction
from pillar_service.usecases.people import accounts, codes, limits, passwords

WRONG = "That is not your password: check it, then try again."


def confirm(person: str, password: str, code: str | None = None) -> None:
    """Check the password of a person (an account's id), and the code if their second factor is on.

    Call it before your transaction: a wrong answer must count. Raises Unauthenticated with a sentence for the form,
    TooMany after ten wrong answers within 15 minutes.
    """
    attempt = limits.spend(Tried.CONFIRM, person)
    if not passwords.is_right(accounts.found(person).password_hash, password):
        raise Unauthenticated(WRONG)
    with transaction():
        limits.settle(attempt)
    if codes.is_on(person):
        codes.check(person, code)
