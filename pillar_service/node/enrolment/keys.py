"""The node's key pair: made here, its private half never leaves; files as Salt's minion reads them."""

import base64
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from pillar_service.core.errors import Failed
from pillar_service.node.enrolment.site import write

BITS = 3072
PRIVATE, PUBLIC = "minion.pem", "minion.pub"
NEXT = "minion.next.pem"
"""A new key that may be the node's already, as far as the service knows."""


class Key:
    """A key pair."""

    def __init__(self, private: RSAPrivateKey) -> None:
        self._private = private

    @classmethod
    def new(cls) -> "Key":
        """Another key."""
        return cls(generate_private_key(65537, BITS))

    @classmethod
    def at(cls, file: Path) -> "Key | None":
        """The key in a file, None when there is none; raises Failed for what is no key."""
        try:
            found = serialization.load_pem_private_key(file.read_bytes(), None)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise Failed(
                f"The key in {file} can't be read ({error}): run `enrol.sh --reset`, then enrol again."
            ) from error
        if not isinstance(found, RSAPrivateKey):
            raise Failed(f"The key in {file} is no RSA key: run `enrol.sh --reset`, then enrol again.")
        return cls(found)

    @property
    def public(self) -> str:
        """Its public half in PEM."""
        told = self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return told.decode().strip()

    def sign(self, statement: bytes) -> str:
        """A statement's signature, in base64."""
        return base64.b64encode(self._private.sign(statement, PKCS1v15(), hashes.SHA256())).decode()

    def save(self, file: Path) -> None:
        """Write it down, for its owner alone."""
        told = self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        write(file, told.decode(), 0o400)


def own(folder: Path) -> Key:
    """The node's key; made when there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Key.at(folder / PRIVATE)
    if key is None:
        key = Key.new()
        key.save(folder / PRIVATE)
    write(folder / PUBLIC, f"{key.public}\n")
    return key


def following(folder: Path) -> Key:
    """The key that is to be the node's next; made when there is none."""
    key = Key.at(folder / NEXT)
    if key is None:
        key = Key.new()
        key.save(folder / NEXT)
    return key


def take(folder: Path) -> None:
    """The next key is the node's now."""
    (folder / NEXT).rename(folder / PRIVATE)
    own(folder)
