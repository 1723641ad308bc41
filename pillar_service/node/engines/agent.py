"""
The agent: delivers this node's events and runs its other duties, whether or not a master is there.

Setup: ``pip install saltcellar[node]`` into the minion's Python; Salt finds this engine by its entry point.

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

# Salt imports this in the minion, just before it forks the agent. Freezing keeps the garbage collector from ever touching the
# objects that exist now, in either process, so that both go on sharing their memory pages. jwt.algorithms (1.7 MiB) is imported
# above for the same reason: both processes need it, and each would otherwise load its own copy.
gc.collect()
gc.freeze()


M_ARENA_MAX = -8
"""A parameter of mallopt(3), for which Python has no name."""


def start() -> None:
    """
    Run until the minion stops; Salt's process manager restarts it if it fails or is killed.
    """
    _one_heap()
    home = Home.at((__opts__.get("saltcellar") or {}).get("data"))
    with agent.alone(home) as is_ours:
        if is_ours:
            agent.Agent(duties.duties(home, __opts__, salt.version.__version__, _refresh, _grains)).run()


def _one_heap() -> None:
    # glibc would give each duty's thread a heap of its own, which never gives memory back.
    with contextlib.suppress(OSError, AttributeError):  # other C libraries have no mallopt
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _refresh() -> None:
    # Does what saltutil.refresh_pillar does: Salt's modules are not loaded before a master has answered.
    with salt.utils.event.get_event("minion", sock_dir=__opts__["sock_dir"], opts=__opts__, listen=False) as bus:
        bus.fire_event({"clean_cache": True}, "pillar_refresh")


def _grains():
    return salt.loader.grains(dict(__opts__))  # a copy: grains() changes what it is given
