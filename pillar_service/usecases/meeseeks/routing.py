"""Routing: choose the one node that a command goes to; core decides by what is known of the nodes."""

import time
from collections.abc import Sequence

from pillar_service.core.meeseeks.routing import Place, at_once, best
from pillar_service.core.nodes.presence import is_here
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import nodes, standings


def any_one(able: Sequence[str]) -> str:
    """The best of these nodes (ids, at least one) for another job."""
    now, stands, told = time.time(), standings.of(able), nodes.capacities(able)
    most, busy, turns = nodes.concurrency(able), jobs.open_by_node(), jobs.newest_by_node(able)
    return best(
        Place(
            node,
            node in stands and is_here(stands[node].presence, now),
            busy.get(node, 0),
            at_once(most[node], told[node].get("slots")),
            turns.get(node, 0.0),
        )
        for node in able
    )
