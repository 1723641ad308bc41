"""Waits for a pub that was started, as long as there is hope."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import Failed, SaltcellarError, Unavailable
from pillar_service.node import containers, control
from pillar_service.node.paths import Home

AT_LEAST_S = 5.0
"""How long even a pub that was started long ago is waited for."""
AT_ONCE_S = 1.0
"""How long a pub may take that lives already: then Docker need not be asked of it."""
CRASHES = 2
"""So many restarts while we wait, and it is no use to wait on."""


def wait(home: Home, node: str, bot: str, timeout_s: float) -> dict[str, Any]:
    """What the pub tells (pub_id, version, sequence, peers, follows), as soon as it answers.

    Raises Unavailable ``timeout_s`` seconds after its start, Failed with its own last words when it keeps crashing.
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
        raise Failed(f"The pub starts and stops at once. Its last words: {words}")
