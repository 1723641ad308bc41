"""
The agent: delivers what this node has to tell, and does what else it does by itself, whether or not a master is there.

Setup: ``pip install saltcellar[node]`` into the minion's Python; it finds this engine by its entry point.

.. code-block:: yaml

    engines:
      - agent: {}
"""

import contextlib
import ctypes
import gc

import jwt.algorithms  # noqa: F401  (see below)
import salt.loader
import salt.utils.event
import salt.version

from pillar_service.node import agent, duties
from pillar_service.node.paths import Home

# Salt reads this in the minion, just before it forks the agent: what stands by now is never looked through by the
# collector again, in neither of the two, and so the pages on which it stands stay one and the same. What signs (1.7 MiB) is
# loaded by now for that reason alone: both need it, and each would load it by itself.
gc.collect()
gc.freeze()


M_ARENA_MAX = -8
"""Of mallopt(3); Python does not name it."""


def start() -> None:
    """
    Runs until the minion stops; Salt's process manager starts it again if it fails or is killed.
    """
    _one_heap()
    home = Home.at((__opts__.get("saltcellar") or {}).get("data"))
    with agent.alone(home) as is_ours:
        if is_ours:
            agent.Agent(duties.duties(home, __opts__, salt.version.__version__, _refresh, _grains)).run()


def _one_heap() -> None:
    # The C library would give each duty's thread a heap of its own, and none of them gives back what it once had.
    with contextlib.suppress(OSError, AttributeError):  # another C library has no such thing
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _refresh() -> None:
    # What saltutil.refresh_pillar does: Salt's modules are not there before a master has answered.
    with salt.utils.event.get_event("minion", sock_dir=__opts__["sock_dir"], opts=__opts__, listen=False) as bus:
        bus.fire_event({"clean_cache": True}, "pillar_refresh")


def _grains():
    return salt.loader.grains(dict(__opts__))  # which changes what it is given
