"""Machines that want to be let in: their keys, and a master that has told where it is."""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from pillar_service.core.nodes.enrolment import KeyAct, statement
from pillar_service.node.enrolment.keys import Key
from pillar_service.usecases.nodes import enrolment
from pillar_service.usecases.service import masters

ADDRESS = "192.0.2.7"


@lru_cache(maxsize=8)
def key(number: int) -> Key:
    """A machine's key; equal numbers give the same key. It is short, since making one takes a while."""
    return Key(generate_private_key(65537, 2048))


def master_is_there(name: str = "salt", address: str = "salt.example.org") -> None:
    """Let a master tell where nodes find it."""
    masters.new_token("test", name)
    masters.tell(name, address, 4505, 4506, key(0).public)


def enrol(secret: str, name: str = "shed", number: int = 1) -> dict[str, object]:
    """Let a machine with that key redeem a token."""
    return enrolment.redeem(secret, name, key(number).public, {"hostname": name}, ADDRESS)


def turned(node: str, old: int, new: int) -> tuple[str, str, str, str]:
    """What a node tells to replace its key ``old`` by ``new``: its id, the new key, both signatures."""
    before, after = key(old), key(new)
    signature = before.sign(statement(KeyAct.TURN, node, before.public, after.public))
    return node, after.public, signature, after.sign(statement(KeyAct.TURN, node, after.public))
