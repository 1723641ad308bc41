"""How a node signs what it sends: a short JWT (RFC 7519) for each request, by the minion's own key.

Header ``kid``: the minion's id, by which the service finds the public key. The signature is made and verified by PyJWT,
beside the key: ``jwt.decode(token, key, [ALGORITHM], audience=AUDIENCE, options={"verify_iat": False})``, for clocks jump:
``iat`` is told and decides nothing. Sending a whole request once more is harmless, since each event is kept once.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import Unauthenticated

MINION_KEY = "minion-key"
"""What the pillar says at ``saltcellar: service: auth`` once the service takes requests signed like this."""
ALGORITHM = "RS256"
AUDIENCE = "saltcellar"


def body_hash(body: bytes) -> str:
    """Of a request's body as it is sent (compressed): base64url of its SHA-256, without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


def claims(node: str, body: bytes, at: float, epoch: int, number: int) -> dict[str, Any]:
    """What a node's token for a request says; ``epoch`` and ``number`` are a counter that only grows."""
    return {"sub": node, "aud": AUDIENCE, "iat": int(at), "bh": body_hash(body), "ep": epoch, "n": number}


def check(claims: Mapping[str, Any], node: str, body: bytes) -> None:
    """Whether verified claims are those of that node and body; raises Unauthenticated."""
    if claims.get("sub") != node or claims.get("aud") != AUDIENCE:
        raise Unauthenticated("This token is for somebody else.")
    if not hmac.compare_digest(str(claims.get("bh")).encode(), body_hash(body).encode()):
        raise Unauthenticated("This token is for another request: its body is not the one that was signed.")
