"""Clears up before a node leaves: sends the events that still wait, and removes its bots' containers."""

import time

from pillar_service.core.errors import Unavailable
from pillar_service.node import containers, networks
from pillar_service.node.delivery import Delivery
from pillar_service.node.enrolment.site import Site
from pillar_service.node.lastgood import Kept
from pillar_service.node.paths import Home
from pillar_service.node.signing import Signer
from pillar_service.node.spool import Spool

PATIENCE_S, TRIES, PAUSE_S = 20.0, 30, 0.1
"""For sending waiting events: seconds in all, tries in a row without progress, and seconds between tries."""

DOCKERS_OWN = {"bridge", "host", "none"}

AWAY = (
    "Docker does not answer, so the bots' containers may still be running: start it (systemctl start docker), then run this "
    "again. If Docker is gone from this machine for good, delete {bots} first."
)


def tell(site: Site) -> str:
    """Send what waits in the spool, while the agent is stopped and the key is still good; returns a line on the outcome."""
    home, node = Home(site.data), site.who()["node"]
    spool = Spool(home)
    if not spool.path.exists():
        return "none wait"
    delivery = Delivery(spool, Kept(home, node, site.pki).told, Signer(node, site.pki), chance=lambda: 0.0)
    waiting, tries, until = _waiting(spool), 0, time.monotonic() + PATIENCE_S
    told = 0
    while waiting and tries < TRIES and time.monotonic() < until:
        delivery.run(time.monotonic())
        left = _waiting(spool)
        tries = tries + 1 if left >= waiting else 0
        told, waiting = told + max(0, waiting - left), left
        time.sleep(PAUSE_S if waiting else 0)
    spool.close()
    return f"{told} told, {waiting} lost: the service did not take them" if waiting else f"{told} told, none wait"


def _waiting(spool: Spool) -> int:
    return int(spool.status()["waiting"])


def clear(site: Site) -> str:
    """Remove this node's containers, and their networks if nothing else uses them; returns a line on the outcome.

    Raises Unavailable if Docker does not answer and there are bots.
    """
    bots = Home(site.data).bots
    try:
        with containers.engine() as client:
            found = containers.all_of(client, site.who()["node"])
            for one in found:
                containers.remove(client, one["Id"])
            used = {name for one in found for name in one["NetworkSettings"]["Networks"]} - DOCKERS_OWN
            for name in sorted(used):
                networks.clear(client, name)
    except Unavailable as error:
        if bots.is_dir() and any(bots.iterdir()):
            raise Unavailable(AWAY.format(bots=bots)) from error
        return "none here, and Docker does not answer"
    images = sorted({str(one["Image"]) for one in found})
    kept = f"; Docker keeps the image: docker image rm {' '.join(images)}" if images else ""
    return f"{len(found)} {'container' if len(found) == 1 else 'containers'} removed{kept}"
