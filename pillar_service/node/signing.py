"""Signs requests with the minion's own key."""

import time
from pathlib import Path

from pillar_service.core.nodes import signatures
from pillar_service.node.minion_key import MinionKey


class Signer:
    """Signs for a minion whose keys are in the folder ``pki`` (Salt's ``pki_dir``)."""

    def __init__(self, node: str, pki: Path) -> None:
        self.node, self._key = node, MinionKey(pki)

    def token(self, body: bytes, epoch: int, number: int) -> str:
        """The token (JWT) for a request with that body; raises Unavailable if the key can't be read."""
        import jwt

        claims = signatures.claims(self.node, body, time.time(), epoch, number)
        return jwt.encode(claims, self._key.private(), signatures.ALGORITHM, {"kid": self.node})
