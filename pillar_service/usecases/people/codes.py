"""The codes of a second factor: whether one is asked for, and whether it is right. Each code is accepted once."""

import hmac
import time

import pyotp

from pillar_service.core.errors import TooMany, Unauthenticated
from pillar_service.core.people import tokens
from pillar_service.core.people.limits import Tried
from pillar_service.store.database import after_commit, transaction
from pillar_service.store.people import second_factor
from pillar_service.store.people.second_factor import SecondFactor
from pillar_service.usecases.people import limits
from pillar_service.usecases.service import auditing, measuring, sealing

STEP_S = 30
DRIFT = 1
"""How many steps a telephone's clock may be off, either way."""

SEALED = "second factor"
"""The purpose for which a secret is sealed."""

UNREADABLE = (
    "Your second factor can't be read any more, because this place has a new secret key: use a recovery code, or ask "
    "whoever runs this place to turn your second factor off."
)
WRONG = "That code is wrong or was used already: wait for the next one, then try again."


def is_on(person: str) -> bool:
    """Whether a person is asked for a code."""
    found = second_factor.find(person)
    return found is not None and bool(found.is_on)


def check(person: str, code: str | None) -> None:
    """Accept a code from the person's telephone, or a recovery code; raises Unauthenticated, TooMany.

    Don't call it inside a transaction: a wrong code must count.
    """
    try:
        attempt = limits.spend(Tried.CODE, person)
    except TooMany:
        measuring.otp("locked_out")
        raise
    written = "".join((code or "").split()).replace("-", "").lower()[:100]
    with transaction():
        factor = second_factor.find(person)
        if factor is None or not written:
            raise Unauthenticated("Enter the code your phone shows.")
        is_recovery = not written.isdigit()
        taken = _recovery(person, written) if is_recovery else totp(factor, written)
        if not taken:
            measuring.otp("wrong")
            raise Unauthenticated(WRONG)
        limits.settle(attempt)
        how = "a recovery code" if is_recovery else "a code"
        after_commit(lambda: measuring.otp("taken"))
        auditing.record(f"account:{person}", "second_factor.check", f"agent:{person}", time.time(), how)


def secret(factor: SecondFactor) -> str | None:
    """The secret that the telephone has too; None if it was sealed under another CELLAR_SECRET_KEY."""
    return sealing.opened(SEALED, factor.account, factor.secret)


def totp(factor: SecondFactor, code: str) -> bool:
    """Accept a code from the telephone; False if it is wrong, or if this or a later code was accepted before.

    Raises Unauthenticated if the secret can't be read, so that no code can be checked.
    """
    known = secret(factor)
    if known is None:
        raise Unauthenticated(UNREADABLE)
    now, made = int(time.time()) // STEP_S, pyotp.TOTP(known)
    for step in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(made.generate_otp(step), code.encode("ascii", "replace").decode()):
            return second_factor.advance(factor.account, step)
    return False


def _recovery(person: str, code: str) -> bool:
    return second_factor.take_recovery(person, tokens.hash_token(code))
