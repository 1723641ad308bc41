"""What anyone on the machine can read of a running restic."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pillar_service.programs import running


def watched(monkeypatch: pytest.MonkeyPatch, word: str) -> tuple[list[bytes], Callable[[], None]]:
    """Collects the command lines and environments of running restics whose command line has the word.

    Returns what has been collected, and the function that looks, to be used as a beat.
    """
    seen: list[bytes] = []
    monkeypatch.setattr(running, "BEAT_S", 0.02)

    def look() -> None:
        for one in Path("/proc").glob("[0-9]*"):
            try:
                told = (one / "cmdline").read_bytes()
                if (one / "comm").read_text().strip() == "restic" and word.encode() in told:
                    seen.append(told + (one / "environ").read_bytes())
            except OSError:
                continue

    return seen, look
