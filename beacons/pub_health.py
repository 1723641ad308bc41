"""
Beacon: reports the health of this node's pubs.

Samples every bot of this node each ``interval`` seconds. Fires when a bot's state or health changes, when it begins or
ceases to answer, when Docker or the list of unknown containers changes, and at a slower heartbeat. Each event is a CloudEvent
of type ``nz.butt.saltcellar.pub.health``. It goes onto Salt's bus (tag ``salt/beacon/<minion>/pub_health/report``), for
reactors that only need a hint, and into the node's spool, from which the agent (an engine of the minion) sends it to the
service, which trusts nothing else. While the service is away, it waits on disk.

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
except ImportError:  # an upgraded master hands this file out at once, also to nodes with an older package

    def _reporter(opts):
        return reporter.reporter(opts["id"], Home.at(opts.get("saltcellar", {}).get("data")))


log = logging.getLogger(__name__)
HEARTBEAT_S = 15


def __virtual__():
    return (False, MISSING) if MISSING else "pub_health"


def validate(config):
    """Whether the beacon's configuration is usable, and a sentence that says why not."""
    settings = _settings(config)
    heartbeat = settings.get("heartbeat", HEARTBEAT_S)
    if isinstance(heartbeat, bool) or not isinstance(heartbeat, int | float) or heartbeat <= 0:
        return False, "pub_health: heartbeat must be a number of seconds above 0."
    return True, "Valid beacon configuration."


def beacon(config):
    """The events that are due now; the minion calls this every ``interval`` seconds."""
    node, pillar = __opts__["id"], __opts__.get("pillar", {})
    ours = _reporter(__opts__)
    ours.keep(pillar)
    events, why = ours.tick(
        told(pillar, node),
        _settings(config).get("heartbeat", HEARTBEAT_S),
        lambda: __salt__["saltutil.refresh_pillar"](),
    )
    if why:
        log.warning("pub_health: a report was lost. %s", why)
    return [{"tag": "report", "event": event} for event in events]


def close(config):
    """Nothing to close. Salt looks for this function at each refresh, and if it is missing, in every beacon that it has."""


def _settings(config):
    if isinstance(config, dict):
        return config
    return {key: value for part in config for key, value in part.items()}
