"""Minion keys as Salt writes them."""

from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@cache
def _pem(which: int) -> bytes:
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return rsa.generate_private_key(65537, 2048).private_bytes(encoding, kind, serialization.NoEncryption())


def new_key(pki: Path, which: int = 0) -> Path:
    """Write a private key into the folder ``pki`` and return the folder; in one process, equal numbers give equal keys."""
    pki.mkdir(parents=True, exist_ok=True)
    (pki / "minion.pem").write_bytes(_pem(which))
    return pki
