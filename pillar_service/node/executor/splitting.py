"""Bytes as they come, cut into lines. A line without an end is cut, too, but through nothing that is secret."""

from pillar_service.node.executor.redactor import Redactor
from pillar_service.node.executor.texts import decoded

PIECE = 16_000
"""The most characters of a line: under 64 KB in UTF-8, whatever they are."""

HELD = 32 << 10
"""So many bytes without an end of a line are held; then they are cut."""

OVERLAP = 4096
"""So many characters of them stay, in case that something secret is not yet whole."""


class Splitter:
    """Cuts one stream."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor, self._rest = redactor, b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that are whole now, as they were written."""
        data = self._rest + chunk
        # What rewrites its line again and again (a progress bar) writes lines, too; its end may be half of "\r\n".
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
        """The last line, if it has no end."""
        rest, self._rest = self._rest.rstrip(b"\r"), b""
        return [rest] if rest else []

    def _cut(self, rest: bytes) -> tuple[bytes, bytes]:
        whole = len(rest)
        while whole > len(rest) - 4 and rest[whole - 1] & 0xC0 == 0x80:
            whole -= 1  # a character whose end has not come yet
        whole -= rest[whole - 1] >= 0xC0
        text = decoded(rest[:whole])
        at = self._redactor.cut(text, max(1, len(text) - OVERLAP))
        return text[:at].encode(), text[at:].encode() + rest[whole:]


def lines(raw: bytes, redactor: Redactor) -> list[str]:
    """A line as it may be shown, in pieces of at most ``PIECE`` characters."""
    text = redactor.text(decoded(raw))
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)] or [""]
