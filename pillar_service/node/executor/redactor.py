"""Takes secrets out of a command's output before it is written down or leaves this process."""

import base64
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator

from pillar_service.core.jobs.redaction import HIDDEN, USUAL
from pillar_service.node.executor.texts import clean

PART = 4
"""A line of a multi-line secret is also redacted on its own if it has at least so many characters."""


class Redactor:
    """Hides secret values, in the forms in which programs tend to print them, and whatever matches a pattern."""

    def __init__(self, values: Iterable[str] = (), patterns: Iterable[re.Pattern[str]] = ()) -> None:
        forms = sorted({form for value in values for form in _forms(value) if form}, key=len, reverse=True)
        by_value = [re.compile("|".join(map(re.escape, forms)))] if forms else []
        self._patterns = [*by_value, *USUAL, *patterns]

    def text(self, written: str) -> str:
        """The text with each secret replaced."""
        for pattern in self._patterns:
            written = pattern.sub(HIDDEN, written)
        return written

    def cut(self, written: str, at: int) -> int:
        """Where to cut a text near the character ``at`` without cutting a secret in two."""
        found = [match.span() for pattern in self._patterns for match in pattern.finditer(written)]
        before = at
        while spanning := [start for start, end in found if start < before < end]:
            before = min(spanning)
        return before or max([at, *(end for start, end in found if start < at < end)])


def _forms(value: str) -> Iterator[str]:
    for one in (value, *(part for part in value.splitlines() if len(part) >= PART)):
        yield from (one, clean(one), json.dumps(one)[1:-1], json.dumps(one, ensure_ascii=False)[1:-1], repr(one)[1:-1])
        yield from (urllib.parse.quote(one, safe=""), urllib.parse.quote(one), urllib.parse.quote_plus(one))
        yield ascii(one)[1:-1]
        written = one.encode(errors="surrogatepass")
        yield from (base64.b64encode(written).decode(), base64.urlsafe_b64encode(written).decode(), written.hex())
