"""The guard in front of what salt-master does for its minions: a request that `core.nodes.bus` refuses is logged and not done.

Salt has no setting for this. Every encrypted request of a minion passes through ``salt.master.AESFuncs.run_func``
(3008.3, lines 2199 and 3371), after the channel has checked who sent it. Salt forks its workers after it has loaded its
engines (``Master.start``), so the dispatcher's loader file puts up the guard: no master that dispatches is without it.
"""

import functools
import logging
from collections.abc import Mapping
from typing import Any

import salt.master

from pillar_service.core.nodes import bus

log = logging.getLogger(__name__)

REFUSED: tuple[dict[str, Any], dict[str, str]] = ({}, {"fun": "send"})
"""What Salt itself answers for a function that it does not expose."""


def put_up() -> None:
    """Guards this process and those forked from it; a second call does nothing."""
    taken = salt.master.AESFuncs.run_func
    if hasattr(taken, "__wrapped__"):
        return

    @functools.wraps(taken)
    def run_func(self: Any, func: str, load: dict[str, Any]) -> Any:
        if (why := _refusal(func, load)) is not None:
            log.warning("Node %s asked for %s, which is refused: %s.", load.get("id"), func, why)
            return REFUSED
        return taken(self, func, load)

    salt.master.AESFuncs.run_func = run_func


def _refusal(func: str, load: Mapping[str, Any]) -> str | None:
    try:
        return bus.refusal(func, load)
    except (AttributeError, KeyError, TypeError) as error:
        return f"it makes no sense ({error!r})"
