"""Nodes' keys in PEM: read a key that somebody sent, and check what was signed with it."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from pillar_service.core.errors import Invalid

LONGEST = 4096
BITS = (2048, 8192)


def public_key(given: object) -> str:
    """Return an RSA key in the form that masters keep: the same key always gives the same text. Raises Invalid."""
    key = _read(given) if isinstance(given, str) and len(given) <= LONGEST else None
    if key is None or not BITS[0] <= key.key_size <= BITS[1]:
        # The message never quotes what was sent: it may be the private half.
        raise Invalid(f"This is not an RSA key of {BITS[0]} to {BITS[1]} bits in PEM: send the minion's public key.")
    told = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return told.decode().strip()


def _read(text: str) -> RSAPublicKey | None:
    try:
        key = serialization.load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPublicKey) else None


def signed(key: str, statement: bytes, signature: bytes) -> bool:
    """Whether the statement was signed with that key (RSASSA-PKCS1-v1_5, SHA-256)."""
    found = _read(key)
    if found is None:
        return False
    try:
        found.verify(signature, statement, PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
