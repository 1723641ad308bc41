"""Tells when a pub is alive, ours or a plain container's: when its control socket answers GET /info."""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pillar_service.core.errors import SaltcellarError
from pillar_service.node import control

POLL_S = 0.02


def until_answering(folders: Iterable[Path], seconds: float = 300) -> None:
    """Wait until the pub of every data directory answers, looking every 20 ms; raises TimeoutError."""
    waiting, ends = list(folders), time.monotonic() + seconds
    while waiting := [folder for folder in waiting if not answers(folder)]:
        if time.monotonic() > ends:
            raise TimeoutError(f"{len(waiting)} pubs did not answer within {seconds:.0f} s.")
        time.sleep(POLL_S)


def answers(folder: Path) -> bool:
    """Whether the pub with this data directory answers."""
    with suppress(SaltcellarError):
        return bool(control.info(folder))
    return False
