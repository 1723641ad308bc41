"""The node's key pair, in files as Salt's minion reads them. It is made here, and its private half never leaves."""

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
"""A new key, which the service may already regard as the node's."""


class Key:
    """A key pair."""

    def __init__(self, private: RSAPrivateKey) -> None:
        self._private = private

    @classmethod
    def new(cls) -> "Key":
        """A new key."""
        return cls(generate_private_key(65537, BITS))

    @classmethod
    def at(cls, file: Path) -> "Key | None":
        """The key in a file; None if there is no file; raises Failed if it holds no RSA key or can't be read."""
        try:
            found = serialization.load_pem_private_key(file.read_bytes(), None)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise Failed(
                f"The key in {file} can't be read ({error}): run `enrol.sh --reset`, then enrol again."
            ) from error
        if not isinstance(found, RSAPrivateKey):
            raise Failed(f"The key in {file} is not an RSA key: run `enrol.sh --reset`, then enrol again.")
        return cls(found)

    @property
    def public(self) -> str:
        """The public half in PEM."""
        told = self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return told.decode().strip()

    def sign(self, statement: bytes) -> str:
        """The signature of a statement, in base64."""
        return base64.b64encode(self._private.sign(statement, PKCS1v15(), hashes.SHA256())).decode()

    def save(self, file: Path) -> None:
        """Write the private key to a file that only its owner can read."""
        told = self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        write(file, told.decode(), 0o400)


def own(folder: Path) -> Key:
    """The node's key, made if there is none; also writes the public half beside it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Key.at(folder / PRIVATE)
    if key is None:
        key = Key.new()
        key.save(folder / PRIVATE)
    write(folder / PUBLIC, f"{key.public}\n")
    return key


def following(folder: Path) -> Key:
    """The node's next key, made if there is none."""
    key = Key.at(folder / NEXT)
    if key is None:
        key = Key.new()
        key.save(folder / NEXT)
    return key


def take(folder: Path) -> None:
    """Make the next key the node's key."""
    (folder / NEXT).rename(folder / PRIVATE)
    own(folder)
