"""Bearer tokens: a master's is random and kept as a hash; a node's is derived, so nothing needs keeping."""

import hashlib
import hmac
import secrets

from pillar_service.core.errors import Unauthenticated


def new_token() -> str:
    """A token of 256 random bits, safe in a header, in a file and as an argument (it never begins with a dash)."""
    return "c" + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is kept of a token. The token is random, so one fast hash is enough (unlike for a password)."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def node_token(secret: str, node: str, serial: int = 0) -> str:
    """The token by which a node proves its id to the service; it reaches the node in its own, encrypted pillar.

    ``serial`` is that of the node's key: with another key there is another token, and the one before is good for nothing.
    """
    told = f"node:{node}:{serial}" if serial else f"node:{node}"
    return f"{node}:{hmac.new(secret.encode(), told.encode(), hashlib.sha256).hexdigest()}"


def named_by(token: str) -> str:
    """The id of the node that a token says it is of."""
    return token.rpartition(":")[0]


def verify_node_token(secret: str, token: str, serial: int = 0) -> str:
    """The id of the node whose token this is, with a key of that serial; raises Unauthenticated for any other string."""
    node = named_by(token)
    if node and hmac.compare_digest(node_token(secret, node, serial).encode(), token.encode()):
        return node
    raise Unauthenticated("This node's token is not valid: refresh its pillar (salt '<node>' saltutil.refresh_pillar).")
