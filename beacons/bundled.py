"""
Beacon: runs the beacons of this node's bundle (``docs/machines.md``).

Each ``beacons/NAME.py`` of the signed bundle in use is run each ``interval`` seconds, from its verified content. What it
returns is fired on Salt's bus (tag ``salt/beacon/<minion>/bundled/NAME``) and goes into the node's spool, as an event of
type ``nz.butt.saltcellar.bundle.fired`` with the beacon's name as its subject. A beacon that the next bundle does not hold
stops; so does each when the bundle is not right.

Setup: ``pip install saltcellar[node]`` into the minion's Python.

.. code-block:: yaml

    beacons:
      bundled:
        - interval: 5              # seconds between two runs of each

    saltcellar:
      bundles:
        settings:                  # what is given to each, by its name, in the place of its configuration
          room_temperature: {above: 30}
"""

import time

try:
    from pillar_service.node.bundles.beacons import beacons

    MISSING = None
except ImportError as error:
    MISSING = f"bundled needs `pip install saltcellar[node]` in the minion's Python ({error})."


def __virtual__():
    return (False, MISSING) if MISSING else "bundled"


def validate(config):
    """Whether the beacon's configuration is usable: it has none but Salt's own."""
    return True, "Valid beacon configuration."


def beacon(config):
    """What the bundle's beacons fire; called by the minion every ``interval`` seconds."""
    lent = {"__salt__": __salt__, "__opts__": __opts__, "__grains__": __grains__}
    return beacons(__opts__).fire(lent, time.monotonic())


def close(config):
    """Nothing is held. Salt looks for this at each refresh, and where it is missing in every beacon that it has."""
