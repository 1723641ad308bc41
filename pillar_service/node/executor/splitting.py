"""Splits bytes into lines as they come. A line that is too long is cut, but never within a secret."""

from pillar_service.node.executor.redactor import Redactor
from pillar_service.node.executor.texts import decoded

PIECE = 16_000
"""The most characters in a line: under 64 KB in UTF-8, whatever they are."""

HELD = 32 << 10
"""How many bytes without a line end are held before they are cut."""

OVERLAP = 4096
"""How many characters stay held after a cut, in case a secret among them is not complete yet."""


class Splitter:
    """Splits one stream."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor, self._rest = redactor, b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take in a chunk; returns the lines that are complete now, not yet redacted."""
        data = self._rest + chunk
        # A progress bar, which rewrites its line after "\r", writes lines, too. A last "\r" may be half of "\r\n".
        held = b"\r" if data.endswith(b"\r") else b""
        data = data[: len(data) - len(held)]
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = data.split(b"\n")
        while len(rest) > HELD:
            piece, rest = self._cut(rest)
            lines.append(piece)
        self._rest = rest + held
        return lines

    def end(self) -> list[bytes]:
        """The rest of the stream, if its last line has no line end."""
        rest, self._rest = self._rest.rstrip(b"\r"), b""
        return [rest] if rest else []

    def _cut(self, rest: bytes) -> tuple[bytes, bytes]:
        whole = len(rest)
        while whole > len(rest) - 4 and rest[whole - 1] & 0xC0 == 0x80:
            whole -= 1  # a character that is not complete yet
        whole -= rest[whole - 1] >= 0xC0
        text = decoded(rest[:whole])
        at = self._redactor.cut(text, max(1, len(text) - OVERLAP))
        return text[:at].encode(), text[at:].encode() + rest[whole:]


def lines(raw: bytes, redactor: Redactor) -> list[str]:
    """A line decoded and redacted, in pieces of at most ``PIECE`` characters."""
    text = redactor.text(decoded(raw))
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)] or [""]
