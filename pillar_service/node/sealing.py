"""Seals what a node keeps for later use in a JWT (RFC 7519) signed with its own key, so that it trusts nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Failed
from pillar_service.core.nodes.signatures import ALGORITHM
from pillar_service.node.minion_key import PRIVATE, MinionKey


class Seal:
    """The seal of the node whose keys are in the folder ``pki``; ``what`` names the kind of content, to tell kinds apart.

    ``key`` is the name of the key's file.
    """

    def __init__(self, node: str, pki: Path, what: str, key: str = PRIVATE) -> None:
        self._node, self._key, self._what = node, MinionKey(pki, key), what

    def close(self, content: Mapping[str, Any]) -> bytes:
        """The content, sealed; raises Unavailable if the key can't be read."""
        import jwt

        claims = {"iss": self._node, "aud": self._what, "content": dict(content)}
        return jwt.encode(claims, self._key.private(), ALGORITHM).encode()

    def open(self, sealed: bytes) -> dict[str, Any]:
        """The sealed content; raises Failed unless this key sealed it as this kind, Unavailable if the key can't be read."""
        import jwt

        try:
            claims = jwt.decode(sealed, self._key.public(), [ALGORITHM], audience=self._what, issuer=self._node)
            return dict(claims["content"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            raise Failed(f"The seal on this node's {self._what} does not hold ({type(error).__name__}).") from error
