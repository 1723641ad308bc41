"""Ordering and retiring machines, and waiting until that is done."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from pillar_service.core.errors import Failed
from pillar_service.core.nodes.machine_orders import UNDER_WAY, OrderState
from pillar_service.master.client import Client
from pillar_service.master.runners import seconds

EVERY_S = 2.0


def ordered(service: Client, told: Mapping[str, Any], wait: object) -> dict[str, Any]:
    """Orders a machine, and waits until it is a node."""
    return settled(service, lambda: service.order_machine(told), wait)


def retired(service: Client, machine: str, with_bots: object, wait: object) -> dict[str, Any]:
    """Retires a machine, and waits until it is gone."""
    return settled(service, lambda: service.retire_machine(machine, with_bots), wait)


def finished(service: Client, machine: str, wait: object) -> dict[str, Any]:
    """Goes on with an order that failed, and waits until its machine is a node."""
    return settled(service, lambda: service.finish_machine(machine), wait)


def settled(service: Client, begin: Callable[[], Mapping[str, Any]], wait: object) -> dict[str, Any]:
    """Calls ``begin``; returns its order once no step is left, or as it is after ``wait`` seconds.

    Raises Failed if the order failed.
    """
    ends = time.monotonic() + seconds(wait)
    order = begin()
    while order["state"] in UNDER_WAY and time.monotonic() < ends:
        time.sleep(EVERY_S)
        order = service.machine_order(order["id"])
    if order["state"] == OrderState.FAILED:
        raise Failed(
            f"{order['fault']} (salt-run nodes.finish {order['id']} goes on with it, nodes.retire {order['id']} undoes it.)"
        )
    return dict(order)
