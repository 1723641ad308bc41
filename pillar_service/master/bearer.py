"""The token with which this master identifies itself to the service."""

import os
import threading
from pathlib import Path

from pillar_service.core import errors


class Token:
    """A bearer token from a file, read again when the file changes, or a fixed one."""

    def __init__(self, file: str | None = None, fixed: str | None = None) -> None:
        self._file, self._fixed = file, fixed
        self._read: tuple[tuple[int, int], str] | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Token(file={self._file!r})"

    def headers(self) -> dict[str, str]:
        """The Authorization header; raises Unauthenticated when the file can't be read or holds no token."""
        token = self._fixed if self._file is None else self._current()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _current(self) -> str:
        try:
            found = os.stat(self._file)  # type: ignore[arg-type]
            stamp = (found.st_mtime_ns, found.st_ino)
            with self._lock:
                if self._read is None or self._read[0] != stamp:
                    self._read = (stamp, Path(self._file).read_text(encoding="ascii").strip())  # type: ignore[arg-type]
                token = self._read[1]
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise errors.Unauthenticated(
                f"The token file {self._file} can't be read ({why}): put the master's token there."
            ) from error
        if not token or not token.isprintable() or " " in token:
            raise errors.Unauthenticated(
                f"The token file {self._file} holds no token: write the master's token into it."
            )
        return token
