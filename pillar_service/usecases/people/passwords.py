"""Passwords: how they are kept, and which are good enough."""

import base64
import functools
import math
import secrets
from collections.abc import Mapping, Sequence

import argon2

from pillar_service.core.errors import Invalid
from pillar_service.settings import settings

LENGTH = (10, 200)

SCORE = 3
"""The least score that zxcvbn must give: safe from guessing that is not slowed down (4 is its highest)."""

JUDGED = 72
"""How many characters are judged: zxcvbn's time grows faster than the length."""

MOST_WAYS = 16
"""How many readings of replaced letters ('$' for 's') a password may have at most: zxcvbn tries every one."""

ROUNDS = 2
"""Argon2id's iterations. With 19 MiB, OWASP's least memory; the library's own 64 MiB would double a worker's size."""


def hashed(password: str) -> str:
    """The hash that is kept of a password."""
    return _hasher(settings().password_kib).hash(password)


def nobodys() -> str:
    """A hash of no password, checked when there is no such account, so that the answer takes as long."""
    salt, tag = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={settings().password_kib},t={ROUNDS},p=1${salt}${tag}"


def is_right(kept: str, password: str) -> bool:
    """Whether this password has that hash; takes the same time for every wrong one."""
    try:
        return _hasher(settings().password_kib).verify(kept, password[:1000].encode(errors="replace"))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


@functools.cache
def _hasher(kib: int) -> argon2.PasswordHasher:
    return argon2.PasswordHasher(time_cost=ROUNDS, memory_cost=kib, parallelism=1)


def shaped(password: object) -> str:
    """The password if its length is right, which is enough for one that an operator gives; raises Invalid."""
    least, most = LENGTH
    if isinstance(password, str) and least <= len(password) <= most and password.isprintable():
        return password
    raise Invalid(f"A password must have {least} to {most} printable characters.")


def checked(password: object, *known: str) -> str:
    """The password if it is hard to guess, even knowing these words about the person; raises Invalid with advice."""
    # Imported here because its word lists take 12 MiB, which a worker without new passwords to judge need not spend.
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]
    from zxcvbn.matching import L33T_TABLE  # type: ignore[import-untyped]

    chosen = shaped(password)
    told = zxcvbn(_judged(chosen[:JUDGED], L33T_TABLE), user_inputs=[word[:JUDGED].lower() for word in known if word])
    if told["score"] >= SCORE:
        return chosen
    feedback = [told["feedback"]["warning"], *told["feedback"]["suggestions"]]
    advice = " ".join(line if line.endswith(".") else f"{line}." for line in feedback if line)
    raise Invalid(f"That password is too easy to guess. {advice or 'Use a few unrelated words.'}")


def _judged(password: str, replaced: Mapping[str, Sequence[str]]) -> str:
    """The password with few enough signs that stand for letters (those in ``replaced``) to be judged quickly."""
    there = [found for signs in replaced.values() if (found := [sign for sign in signs if sign in password])]
    if math.prod(map(len, there)) <= MOST_WAYS:
        return password
    stay = {signs[0] for signs in there}
    return "".join("~" if sign not in stay and any(sign in signs for signs in there) else sign for sign in password)
