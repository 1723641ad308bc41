"""Waits for a started pub to answer, as long as that makes sense."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import Failed, SaltcellarError, Unavailable
from pillar_service.node import containers, control
from pillar_service.node.paths import Home

AT_LEAST_S = 5.0
"""The least time to wait for a pub, in seconds, even if it started long ago."""
AT_ONCE_S = 1.0
"""Seconds that a pub gets to answer before Docker is asked about it."""
CRASHES = 2
"""After so many restarts while we wait, it is no use to wait on."""


def wait(home: Home, node: str, bot: str, timeout_s: float) -> dict[str, Any]:
    """Wait until the pub answers; returns its pub_id, version, sequence, peers and follows.

    Raises Unavailable ``timeout_s`` seconds after its start, Failed with the last line of its output if it keeps crashing.
    """
    with contextlib.suppress(SaltcellarError):
        return control.pub(home.bot(bot), AT_ONCE_S)
    with containers.engine() as client:
        container = containers.of_bot(client, node, bot)["Id"]
        before = client.inspect_container(container)
        until = time.monotonic() + max(AT_LEAST_S, timeout_s - containers.uptime_s(before))
        while True:
            left = until - time.monotonic()
            try:
                return control.pub(home.bot(bot), max(0.1, min(5.0, left)))
            except SaltcellarError as error:
                _hope(client, container, before)
                if left <= 0:
                    raise Unavailable(f"The pub did not come alive in time. {error.sentence}") from error
            time.sleep(0.2)


def _hope(client: Any, container: str, before: Mapping[str, Any]) -> None:
    now = client.inspect_container(container)
    if now["RestartCount"] - before["RestartCount"] >= CRASHES or not (now["State"]["Running"] or now["RestartCount"]):
        words = containers.last_words(client, container)
        raise Failed(f"The pub stops as soon as it starts. Its last words: {words}")
