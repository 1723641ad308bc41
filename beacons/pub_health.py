"""
Beacon: how this node's pubs are.

Samples every bot of this node each ``interval`` seconds; fires when a bot's state, health or voice, Docker or the
list of unknown containers changes, and on a slower heartbeat. Each event is a CloudEvent of type
``nz.butt.saltcellar.pub.health``. It goes to Salt's bus (tag ``salt/beacon/<minion>/pub_health/report``), for reactors
that only need a hint, and into the node's spool, from where the agent (an engine of the minion) brings it to the service,
which believes nothing else. While the service is away it waits on the disk.

Setup: ``pip install saltcellar[node]`` into the minion's Python.

.. code-block:: yaml

    beacons:
      pub_health:
        - interval: 5      # seconds between two looks
        - heartbeat: 15    # seconds after which to report although nothing changed
"""

import logging

try:
    from pillar_service.node import reporter
    from pillar_service.node.paths import Home
    from pillar_service.node.told import told

    MISSING = None
except ImportError as error:
    MISSING = f"pub_health needs `pip install saltcellar[node]` in the minion's Python ({error})."

try:
    from pillar_service.node.reporter import of_minion as _reporter
except ImportError:  # a master is upgraded before its nodes, which get this file from it at once

    def _reporter(opts):
        return reporter.reporter(opts["id"], Home.at(opts.get("saltcellar", {}).get("data")))


log = logging.getLogger(__name__)
HEARTBEAT_S = 15


def __virtual__():
    return (False, MISSING) if MISSING else "pub_health"


def validate(config):
    """Whether the beacon's configuration is usable, and why not."""
    settings = _settings(config)
    heartbeat = settings.get("heartbeat", HEARTBEAT_S)
    if isinstance(heartbeat, bool) or not isinstance(heartbeat, int | float) or heartbeat <= 0:
        return False, "pub_health: heartbeat must be a number of seconds above 0."
    return True, "Valid beacon configuration."


def beacon(config):
    """The events that are due now; called by the minion every ``interval`` seconds."""
    node, pillar = __opts__["id"], __opts__.get("pillar", {})
    ours = _reporter(__opts__)
    ours.keep(pillar)
    events, why = ours.tick(
        told(pillar, node),
        _settings(config).get("heartbeat", HEARTBEAT_S),
        lambda: __salt__["saltutil.refresh_pillar"](),
    )
    if why:
        log.warning("pub_health: a report is lost. %s", why)
    return [{"tag": "report", "event": event} for event in events]


def close(config):
    """Nothing is held. Salt looks for this at each refresh, and where it is missing in every beacon that it has."""


def _settings(config):
    if isinstance(config, dict):
        return config
    return {key: value for part in config for key, value in part.items()}
