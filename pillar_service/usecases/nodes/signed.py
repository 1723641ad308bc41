"""Requests that a node signed with the minion's own key (described in core/nodes/signatures.py)."""

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
    # Clocks jump, so the token's times of signing and expiry are ignored.
    **dict.fromkeys(("verify_iat", "verify_exp", "verify_nbf"), False),
    "require": ["sub", "aud", "iat", "bh", "ep", "n"],
}
REFUSED = "This token is not signed with the key of a known node, or that key was revoked: enrol the node again."


def is_one(token: str) -> bool:
    """Whether a bearer token is a signed one; the derived ones (core/people/tokens.py) contain a colon."""
    return ":" not in token and token.count(".") == 2


def claims(token: str) -> dict[str, Any]:
    """The claims of a node's token, verified with the key stored for the node that it names; raises Unauthenticated.

    The body must still be compared (`signatures.check`).
    """
    try:
        node, pem = _named(token)
        # We fix the algorithm, never the token; and the key is an object, not text that a MAC would accept.
        told: dict[str, Any] = jwt.decode(
            token, _key(pem), [signatures.ALGORITHM], OPTIONS, audience=signatures.AUDIENCE
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Unauthenticated(REFUSED) from error
    if told["sub"] != node:
        raise Unauthenticated(REFUSED)
    return told


def _named(token: str) -> tuple[str, str]:
    """The node that a token names, and its key; raises Unauthenticated."""
    named = _kid(token) if len(token) <= LONGEST else None
    if isinstance(named, str) and names.NODE_ID.fullmatch(named):
        pem, state = nodes.key(named) or (None, None)
        if pem and state == KeyState.ACCEPTED:
            return named, pem
    raise Unauthenticated(REFUSED)


def _kid(token: str) -> object:
    """The key id in a token's header. PyJWT would read the whole token for that, which takes longer than verifying it."""
    header = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
    return header.get("kid") if isinstance(header, dict) else None


@lru_cache(maxsize=4096)
def _key(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("Nodes have RSA keys.")
    return key
