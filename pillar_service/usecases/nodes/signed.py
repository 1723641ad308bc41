"""Requests that a node signed with the minion's own key (core/nodes/signatures.py says how)."""

import base64
import json
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from pillar_service.core import names
from pillar_service.core.errors import Unauthenticated
from pillar_service.core.nodes import signatures
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.store.nodes import nodes

LONGEST = 4096
OPTIONS: Any = {
    # Clocks jump: when it was signed, and until when it would like to be good, is told and decides nothing.
    **dict.fromkeys(("verify_iat", "verify_exp", "verify_nbf"), False),
    "require": ["sub", "aud", "iat", "bh", "ep", "n"],
}
REFUSED = (
    "This token is not signed with the key of a node that we know (or that key was revoked): enrol the node again."
)


def is_one(token: str) -> bool:
    """Whether a bearer token is such a one; the derived ones (core/people/tokens.py) have a colon."""
    return ":" not in token and token.count(".") == 2


def claims(token: str) -> dict[str, Any]:
    """What a node's token says, verified with the key that we keep of the node it names; raises Unauthenticated.

    The body is still to be compared (`signatures.check`).
    """
    try:
        node, pem = _named(token)
        # The one algorithm is ours to choose, never the token's, and the key is no text that a MAC would take.
        told: dict[str, Any] = jwt.decode(
            token, _key(pem), [signatures.ALGORITHM], OPTIONS, audience=signatures.AUDIENCE
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Unauthenticated(REFUSED) from error
    if told["sub"] != node:
        raise Unauthenticated(REFUSED)
    return told


def _named(token: str) -> tuple[str, str]:
    """The node that a token names, and its key."""
    named = _kid(token) if len(token) <= LONGEST else None
    if isinstance(named, str) and names.NODE_ID.fullmatch(named):
        pem, state = nodes.key(named) or (None, None)
        if pem and state == KeyState.ACCEPTED:
            return named, pem
    raise Unauthenticated(REFUSED)


def _kid(token: str) -> object:
    """Whose key a token names. PyJWT would read the whole token for that, which takes longer than to verify it."""
    header = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
    return header.get("kid") if isinstance(header, dict) else None


@lru_cache(maxsize=4096)
def _key(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("Nodes have RSA keys.")
    return key
