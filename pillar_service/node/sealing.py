"""What a node keeps to go by later is sealed: a JWT (RFC 7519) of its own key, so that it goes by nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Failed
from pillar_service.core.nodes.signatures import ALGORITHM
from pillar_service.node.minion_key import PRIVATE, MinionKey


class Seal:
    """Of the node whose keys are in the folder ``pki``; ``what`` tells things apart that are kept beside each other.

    ``key`` is the file of another key than the one that counts.
    """

    def __init__(self, node: str, pki: Path, what: str, key: str = PRIVATE) -> None:
        self._node, self._key, self._what = node, MinionKey(pki, key), what

    def close(self, content: Mapping[str, Any]) -> bytes:
        """The content, sealed; raises Unavailable when there is no key to be read."""
        import jwt

        claims = {"iss": self._node, "aud": self._what, "content": dict(content)}
        return jwt.encode(claims, self._key.private(), ALGORITHM).encode()

    def open(self, sealed: bytes) -> dict[str, Any]:
        """What was sealed; raises Failed for what this key did not seal as this, Unavailable without a key."""
        import jwt

        try:
            claims = jwt.decode(sealed, self._key.public(), [ALGORITHM], audience=self._what, issuer=self._node)
            return dict(claims["content"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            raise Failed(f"The {self._what} on this node is not what it sealed ({type(error).__name__}).") from error
