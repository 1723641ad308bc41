"""
Beacon: runs the beacons of this node's bundle (``docs/machines.md``).

Every ``interval`` seconds each ``beacons/NAME.py`` of the signed bundle in use is run, from its verified content. What it
returns is fired on Salt's bus (tag ``salt/beacon/<minion>/bundled/NAME``) and put into the node's spool, as an event of
type ``nz.butt.saltcellar.bundle.fired`` with the beacon's name as its subject. A beacon stops when the next bundle does not
have it; all stop when the bundle is not valid.

Setup: ``pip install saltcellar[node]`` into the minion's Python.

.. code-block:: yaml

    beacons:
      bundled:
        - interval: 5              # seconds between two runs of each beacon

    saltcellar:
      bundles:
        settings:                  # each beacon's configuration, by its name
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
    """Whether the beacon's configuration is usable: always, since it has only settings of Salt's own."""
    return True, "Valid beacon configuration."


def beacon(config):
    """What the bundle's beacons fire now; the minion calls this every ``interval`` seconds."""
    lent = {"__salt__": __salt__, "__opts__": __opts__, "__grains__": __grains__}
    return beacons(__opts__).fire(lent, time.monotonic())


def close(config):
    """Nothing to close. Salt looks for this function at each refresh, and if it is missing, in every beacon that it has."""
