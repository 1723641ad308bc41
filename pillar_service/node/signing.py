"""Signs requests with the minion's own key."""

import time
from pathlib import Path
from typing import Any

from pillar_service.core import signatures
from pillar_service.core.errors import Unavailable


class Signer:
    """Signs for a minion whose keys are in the folder ``pki`` (Salt's ``pki_dir``); a changed key is read anew."""

    def __init__(self, node: str, pki: Path) -> None:
        self.node, self._path = node, pki / "minion.pem"
        self._key: Any = None
        self._read_at: tuple[int, int] | None = None

    def token(self, body: bytes, epoch: int, number: int) -> str:
        """The token (JWT) for a request with that body; raises Unavailable when there is no key to be read."""
        import jwt

        claims = signatures.claims(self.node, body, time.time(), epoch, number)
        return jwt.encode(claims, self._private_key(), signatures.ALGORITHM, {"kid": self.node})

    def _private_key(self) -> Any:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            found = self._path.stat()
            if (found.st_ino, found.st_mtime_ns) != self._read_at:
                self._key = load_pem_private_key(self._path.read_bytes(), None)
                self._read_at = found.st_ino, found.st_mtime_ns
        except (OSError, ValueError, TypeError) as error:
            raise Unavailable(f"The minion's key {self._path} can't be read ({type(error).__name__}).") from error
        return self._key
