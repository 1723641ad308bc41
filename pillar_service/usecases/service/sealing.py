"""Sealing: what must be read again, and so can't be hashed, is kept encrypted under CELLAR_SECRET_KEY."""

import base64
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pillar_service.settings import settings


def _key(purpose: str, owner: str) -> bytes:
    return _derived(purpose, owner, settings().secret_key)


@lru_cache(maxsize=256)
def _derived(purpose: str, owner: str, key: str) -> bytes:
    # A key for each purpose and owner: what is sealed for one can't be opened for another.
    info = f"saltcellar {purpose} {owner}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key.encode())


def _box(purpose: str, owner: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(purpose, owner)))


def seal(purpose: str, owner: str, text: str) -> str:
    """Encrypt a text of an owner (an account's id) for a purpose."""
    return _box(purpose, owner).encrypt(text.encode()).decode()


def opened(purpose: str, owner: str, sealed: str) -> str | None:
    """What was sealed; None if it was changed, belongs to another owner, or was sealed under another CELLAR_SECRET_KEY."""
    try:
        return _box(purpose, owner).decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeEncodeError):
        return None


def mark(purpose: str, owner: str, text: str) -> str:
    """A mark that is the same for the same text, and reveals nothing of it without CELLAR_SECRET_KEY."""
    return hmac.new(_key(purpose, owner), text.encode(errors="replace"), "sha256").hexdigest()
