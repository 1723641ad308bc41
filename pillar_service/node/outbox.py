"""Reports that wait for the service: on disk, in order, the newest few hundred."""

import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillar_service.core.errors import SaltcellarError
from pillar_service.node import disk
from pillar_service.node.door import Door

LARGEST = 200
"""How many reports are kept: 50 minutes at one every 15 s. The oldest go first."""
BATCH = 20
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""How long to wait after one failure, two, …"""


class Outbox:
    """Events in ``folder``, one file each; a file's name says its place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._failures, self._not_before = 0, 0.0

    def add(self, event: Mapping[str, Any], place: str) -> None:
        """Keep an event until it is delivered; a full disk costs this event only."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            disk.write_atomically(self._folder / f"{place}.json", json.dumps(event).encode())
            for old in self._waiting()[:-LARGEST]:
                old.unlink(missing_ok=True)

    def _waiting(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.json"))

    def __len__(self) -> int:
        return len(self._waiting())

    def deliver(self, service: Mapping[str, str] | None, budget_s: float) -> None:
        """Deliver what waits, oldest first, in about ``budget_s`` seconds.

        Raises what the door raised; after that, nothing is tried for a while.
        """
        until = time.monotonic() + budget_s
        if time.monotonic() < self._not_before:
            return
        try:
            while (batch := self._waiting()[:BATCH]) and (left := until - time.monotonic()) > 0:
                self._send(Door(service), batch, left)
        except SaltcellarError:
            pause = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
            self._failures, self._not_before = self._failures + 1, time.monotonic() + pause
            raise
        self._failures = 0

    def _send(self, door: Door, batch: list[Path], timeout_s: float) -> None:
        events = {path: event for path in batch if (event := _read(path))}
        answer = door.events(list(events.values()), timeout_s) if events else {}
        settled = set(answer.get("accepted", [])) | {refused.get("id") for refused in answer.get("refused", [])}
        if events and not settled & {event["id"] for event in events.values()}:
            raise SaltcellarError("The service stored none of the reports and refused none.")
        for path in batch:
            if path not in events or events[path]["id"] in settled:
                path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
