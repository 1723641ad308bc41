"""A command's output: bounded, redacted, and on disk until the service has it.

The head is written to disk as it comes, up to a bound. Of what follows, the newest lines are held in memory and written at
the end. The lines between them are only counted, and a line in their place says how many are left out.
"""

from collections import deque
from pathlib import Path

from pillar_service.node.executor.redactor import Redactor
from pillar_service.node.executor.splitting import Splitter, lines
from pillar_service.node.executor.spool import Spool

HEAD_LINES, HEAD_BYTES = 16_000, 8 << 20
TAIL_LINES, TAIL_BYTES = 2_000, 1 << 20
SHOWN_LINES, SHOWN_CHARACTERS = 20, 1_000
"""How many lines of the head and of the tail are in the outcome itself, and how many characters of each line."""

NOTE = "note"
"""The stream of lines that the executor itself writes."""


class Output:
    """The output of one run, kept in the file ``path``."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._redactor, self._spool = redactor, Spool(path)
        self._splitters = {stream: Splitter(redactor) for stream in ("stdout", "stderr")}
        self._tail: deque[tuple[str, bytes]] = deque()
        self._taken = self._tail_bytes = self._left_out = 0
        self.head: list[str] = []
        self._last: deque[str] = deque(maxlen=SHOWN_LINES)

    @property
    def count(self) -> int:
        """How many lines there were; each piece of a cut line counts."""
        return self._taken + self._left_out + len(self._tail)

    @property
    def dropped(self) -> int:
        """How many of them were lost or left out."""
        return self._left_out + self._spool.lost

    @property
    def tail(self) -> list[str]:
        """The last lines, without those of the head."""
        return list(self._last)

    def feed(self, stream: str, chunk: bytes) -> None:
        """Take in a chunk of a stream; an empty chunk is its end."""
        splitter = self._splitters[stream]
        for line in splitter.feed(chunk) if chunk else splitter.end():
            self._take(stream, line)
        self._spool.flush()

    def close(self) -> None:
        """Write what is still held in memory; the file is complete then."""
        if self._left_out:
            self._spool.add(NOTE, f"… {self._left_out:,} lines left out here …")
        while self._tail:
            self._keep(*self._tail.popleft())
        self._spool.close()

    def _take(self, stream: str, raw: bytes) -> None:
        if self._taken < HEAD_LINES and self._spool.size < HEAD_BYTES and not self._tail:
            self._keep(stream, raw)
            return
        # Most of these lines will be left out, so they are redacted only when they are written.
        self._tail.append((stream, raw))
        self._tail_bytes += len(raw)
        while len(self._tail) > TAIL_LINES or (self._tail_bytes > TAIL_BYTES and len(self._tail) > 1):
            self._tail_bytes -= len(self._tail.popleft()[1])
            self._left_out += 1

    def _keep(self, stream: str, raw: bytes) -> None:
        for text in lines(raw, self._redactor):
            self._taken += 1
            self._spool.add(stream, text)
            if len(self.head) < SHOWN_LINES:
                self.head.append(text[:SHOWN_CHARACTERS])
            else:
                self._last.append(text[:SHOWN_CHARACTERS])
