"""Bearer tokens: a master's is random and stored as a hash; a node's is derived, so it need not be stored."""

import hashlib
import hmac
import secrets

from pillar_service.core.errors import Unauthenticated


def new_token() -> str:
    """A token of 256 random bits, safe in a header, in a file and as an argument (it never begins with a dash)."""
    return "c" + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is stored of a token. The token is random, so one fast hash is enough (unlike for a password)."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def node_token(secret: str, node: str, serial: int = 0) -> str:
    """The token by which a node proves its id to the service; the node receives it in its own, encrypted pillar.

    ``serial`` is the serial of the node's key: a new key means a new token, and the old one stops working.
    """
    told = f"node:{node}:{serial}" if serial else f"node:{node}"
    return f"{node}:{hmac.new(secret.encode(), told.encode(), hashlib.sha256).hexdigest()}"


def named_by(token: str) -> str:
    """The node id that a token claims."""
    return token.rpartition(":")[0]


def verify_node_token(secret: str, token: str, serial: int = 0) -> str:
    """The id of the node whose token this is, for the key with that serial; raises Unauthenticated for anything else."""
    node = named_by(token)
    if node and hmac.compare_digest(node_token(secret, node, serial).encode(), token.encode()):
        return node
    raise Unauthenticated("This node's token is not valid: refresh its pillar (salt '<node>' saltutil.refresh_pillar).")
