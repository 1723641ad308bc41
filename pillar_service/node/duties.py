"""The duties of a node's agent: a line each."""

from collections.abc import Callable
from pathlib import Path

from pillar_service.node.agent import Duty
from pillar_service.node.delivery import Delivery
from pillar_service.node.drops import Drops
from pillar_service.node.lastgood import Kept
from pillar_service.node.lifecycle import Beat
from pillar_service.node.paths import Home
from pillar_service.node.signing import Signer
from pillar_service.node.spool import Spool


def duties(home: Home, node: str, pki: Path, salt: str, refresh: Callable[[], object]) -> list[Duty]:
    """Of the node with that id, whose minion has its keys in ``pki``; ``refresh`` asks for its pillar anew."""
    known, spool = Kept(home, node).told, Spool(home)
    return [
        Delivery(Spool(home), known, Signer(node, pki), refresh),
        Drops(home, spool),
        Beat(home, node, spool, salt),
    ]
