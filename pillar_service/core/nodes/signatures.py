"""How a node signs what it sends: a short JWT (RFC 7519) for each request, by the minion's own key.

Header ``kid``: the minion's id, by which the service finds the public key. The signature is made and verified by PyJWT,
beside the key: ``jwt.decode(token, key, [ALGORITHM], audience=AUDIENCE, options={"verify_iat": False})``, for clocks jump:
``iat`` is told and decides nothing.

What keeps a captured request from being of use is its place: ``ep`` and ``n``, the spool's epoch and the number of the
request, which its file counts in one transaction with the batch, whichever process or thread asks. The service takes of
each epoch only requests that are not below the highest it took (``is_stale``). The very last may come once more, so that
whoever sends it again because the answer was lost is answered: it changes nothing, since each event is kept once. One
below it is of no use to an honest node either: a node asks for one thing at a time, and who gave up on a request tells its
events in the next. Epochs are apart, and an epoch that nobody heard of may be any: a node that lost its disk and does not
know the time begins one below those before.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple

from pillar_service.core import names
from pillar_service.core.errors import Invalid, Unauthenticated

MINION_KEY = "minion-key"
"""What the pillar says at ``saltcellar: service: auth`` once the service takes requests signed like this."""
ALGORITHM = "RS256"
AUDIENCE = "saltcellar"


class Request(NamedTuple):
    """Which request of a node it is: they are counted in each epoch of its spool."""

    epoch: int
    number: int

    def is_stale(self, last: int) -> bool:
        """Whether it is older than the ``last`` request of its epoch that was taken: captured, or given up long ago."""
        return self.number < last


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


def request(claims: Mapping[str, Any]) -> Request:
    """Which request verified claims are of; raises Unauthenticated for claims that do not say it."""
    try:
        epoch = names.whole_number(claims.get("ep"), "epoch", 0, 2**53)
        return Request(epoch, names.whole_number(claims.get("n"), "number", 0, 2**53))
    except Invalid as error:
        raise Unauthenticated("This token does not say which request it is for (ep, n): sign it with both.") from error
