"""A run's lines on disk, in order, until the service has them."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

BATCH_LINES, BATCH_BYTES = 500, 1 << 20


class Spool:
    """Writes lines to a file, a JSON object each (``n`` from 1, ``stream``, ``text``). A full disk costs only lines."""

    def __init__(self, path: Path) -> None:
        self.size = self.lost = 0
        self._n = 0
        self._fresh: list[bytes] = []
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)

    def add(self, stream: str, text: str) -> None:
        """Add a line."""
        self._n += 1
        # A lone surrogate can't be encoded, and would spoil the batch that it is in.
        told = json.dumps({"n": self._n, "stream": stream, "text": text}, ensure_ascii=False).encode("utf-8", "replace")
        self._fresh.append(told + b"\n")
        self.size += len(told) + 1

    def flush(self) -> None:
        """Write the new lines to the file, all or none; if that fails, they count as lost."""
        fresh, self._fresh = self._fresh, []
        data = b"".join(fresh)
        if not data:
            return
        before = os.fstat(self._file).st_size
        try:
            if os.write(self._file, data) == len(data):
                return
        except OSError:
            pass
        os.ftruncate(self._file, before)
        os.lseek(self._file, before, os.SEEK_SET)
        self.lost += len(fresh)

    def close(self) -> None:
        """Flush, sync and close the file."""
        self.flush()
        with suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)


def _told(line: bytes) -> list[dict[str, Any]]:
    """The line, or nothing if it can't be parsed: a power failure may leave blocks of zeros."""
    try:
        told = json.loads(line)
    except ValueError:
        return []
    return [told] if isinstance(told, dict) else []


class Reader:
    """Reads the file of a Spool in batches, while it is written or later."""

    def __init__(self, path: Path) -> None:
        self._path, self._at, self._next = path, 0, 0

    def batch(self) -> list[dict[str, Any]]:
        """The next lines: at most 500, or about 1 MiB. Returns them again until ``taken`` is called."""
        found, size = [], 0
        self._next = self._at
        for line in self._lines():
            found += _told(line)
            size += len(line)
            self._next += len(line)
            if len(found) == BATCH_LINES or size >= BATCH_BYTES:
                break
        return found

    def taken(self) -> None:
        """Go on after the last batch."""
        self._at = self._next

    def _lines(self) -> Iterator[bytes]:
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if line.endswith(b"\n"):
                    yield line
