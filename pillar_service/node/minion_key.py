"""The minion's own key (in Salt's ``pki_dir``), which identifies this node; it is read again when it changes."""

from pathlib import Path
from typing import Any

from pillar_service.core.errors import Unavailable

PRIVATE = "minion.pem"


class MinionKey:
    """The key pair in the folder ``pki``, in the file ``name``."""

    def __init__(self, pki: Path, name: str = PRIVATE) -> None:
        self._path = pki / name
        self._key: Any = None
        self._read_at: tuple[int, int] | None = None

    def private(self) -> Any:
        """The private half; raises Unavailable if it can't be read."""
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            found = self._path.stat()
            if (found.st_ino, found.st_mtime_ns) != self._read_at:
                # It is root's own file: checking its primes would take 60 ms of CPU time in each process.
                self._key = load_pem_private_key(self._path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
                self._read_at = found.st_ino, found.st_mtime_ns
        except (OSError, ValueError, TypeError) as error:
            raise Unavailable(f"The minion's key {self._path} can't be read ({type(error).__name__}).") from error
        return self._key

    def public(self) -> Any:
        """The public half; raises likewise."""
        return self.private().public_key()
