"""A node that tells events: what is in its batches, and how it signs requests."""

import gzip
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient

from pillar_service.core.events.submission import MEDIA_TYPE, Lifecycle, Priority, Submission
from pillar_service.core.nodes import signatures
from pillar_service.store.nodes import nodes as rows
from pillar_service.usecases.nodes import nodes

TYPE = "org.example.backup.done"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """The private key of the minion with this name."""
    return rsa.generate_private_key(65537, 2048)


def public(name: str) -> str:
    """The minion's public key."""
    told = (
        key(name).public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return told.decode()


def known(node: str = "cellar-1", account: str | None = None) -> str:
    """Make a node whose key the service has; return its id."""
    if rows.find(node) is None:
        nodes.add("test", node)
    if account is not None:
        rows.change(node, account=account)
    nodes.set_key("test", node, public(node))
    return node


def submission(sequence: int, type: str = TYPE, data: Any = None, **more: Any) -> Submission:
    """An event as a spool has it."""
    told = {"epoch": 1, "subject": "x", "stream": "default", "priority": Priority.NORMAL, "at": time.time()}
    told |= {"mono": 5.0, "boot": "boot-1", "is_synced": True, **more}
    return Submission(sequence=sequence, type=type, data={"n": sequence} if data is None else data, **told)


def told(sequence: int, type: str = TYPE, node: str = "cellar-1", **more: Any) -> dict[str, Any]:
    """An event on the wire."""
    return submission(sequence, type, **more).event(node)


def alive(sequence: int, node: str = "cellar-1", **data: Any) -> dict[str, Any]:
    """An event that says that the node is alive."""
    said = {"saltcellar": "0.4.0", "salt": "3008.3", "python": "3.11.2", "spool": {"waiting": 7, "dead": 1}, **data}
    return told(sequence, Lifecycle.ALIVE, node, data=said, stream="lifecycle", priority=Priority.VITAL)


def token(node: str, body: bytes, signer: str | None = None, **claims: Any) -> str:
    """The token that signs a request with that body, made with the key of ``signer`` if it is given."""
    said = signatures.claims(node, body, time.time(), 1, 1) | claims
    return jwt.encode(said, key(signer or node), signatures.ALGORITHM, {"kid": node})


def send(client: FlaskClient, batch: Any, node: str = "cellar-1", **options: Any) -> Any:
    """Pack, sign and send a batch; ``token`` and ``body`` in ``options`` replace what is made of it."""
    body = options.get("body", gzip.compress(json.dumps(batch).encode()))
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Encoding": options.get("encoding", "gzip"),
        "Authorization": f"Bearer {options.get('token') or token(node, body)}",
    }
    return client.post("/events", data=body, headers=headers)
