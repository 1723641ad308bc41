"""How a node signs its requests: each carries a short JWT (RFC 7519), signed with the minion's own key.

The header ``kid`` is the minion's id, by which the service finds the public key. PyJWT makes and verifies the signature,
in the code that holds the key:

    jwt.decode(token, key, [ALGORITHM], audience=AUDIENCE, options={"verify_iat": False})

``iat`` is not verified, because clocks jump; nothing is decided by it.

A captured request is useless because of its number: ``ep`` and ``n`` are the spool's epoch and the number of the
request, which the spool's file counts in one transaction with the batch, whichever process or thread asks. Of each
epoch, the service refuses requests with a number below the highest one that it took (``is_stale``). The newest one may
be repeated, so that a node that sends it again because the answer was lost gets an answer: that changes nothing,
because each event is kept only once. An honest node never needs a lower number: it makes one request at a time, and
after giving up on one it sends its events in the next. Epochs are independent, and a new epoch may have any number: a
node that lost its disk and does not know the time begins one that is below its earlier ones.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple

from pillar_service.core import names
from pillar_service.core.errors import Invalid, Unauthenticated

MINION_KEY = "minion-key"
"""The pillar's value at ``saltcellar: service: auth`` once the service accepts requests that are signed like this."""
ALGORITHM = "RS256"
AUDIENCE = "saltcellar"


class Request(NamedTuple):
    """The number of a node's request, which is counted within each epoch of its spool."""

    epoch: int
    number: int

    def is_stale(self, last: int) -> bool:
        """Whether it is older than ``last``, the newest request of its epoch that was taken: captured, or given up long ago."""
        return self.number < last


def body_hash(body: bytes) -> str:
    """The hash of a request's body as it is sent (compressed): SHA-256 in base64url, without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


def claims(node: str, body: bytes, at: float, epoch: int, number: int) -> dict[str, Any]:
    """The claims in a node's token for a request; ``epoch`` and ``number`` are a counter that only grows."""
    return {"sub": node, "aud": AUDIENCE, "iat": int(at), "bh": body_hash(body), "ep": epoch, "n": number}


def check(claims: Mapping[str, Any], node: str, body: bytes) -> None:
    """Check that verified claims belong to that node and body; raises Unauthenticated."""
    if claims.get("sub") != node or claims.get("aud") != AUDIENCE:
        raise Unauthenticated("This token is for somebody else.")
    if not hmac.compare_digest(str(claims.get("bh")).encode(), body_hash(body).encode()):
        raise Unauthenticated("This token is for another request: its body is not the one that was signed.")


def request(claims: Mapping[str, Any]) -> Request:
    """The epoch and number of a request in its verified claims; raises Unauthenticated if they are missing."""
    try:
        epoch = names.whole_number(claims.get("ep"), "epoch", 0, 2**53)
        return Request(epoch, names.whole_number(claims.get("n"), "number", 0, 2**53))
    except Invalid as error:
        raise Unauthenticated("This token does not say which request it is for: sign it with ep and n.") from error
