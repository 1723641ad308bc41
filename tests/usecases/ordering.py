"""What the tests of machine orders share: an order, its due steps, and how far it has come."""

import re
import time
from typing import Any

from enrolling import enrol
from fake_scaleway import FakeScaleway

from pillar_service.core.nodes import machine_orders as rules
from pillar_service.usecases.nodes import building, machine_orders


def order(**told: Any) -> str:
    return str(machine_orders.create("operator:ann", "rack-1", **told)["id"])


def go(at: float = 0.0, most: int = 20) -> float:
    """Take all steps that are due ``at`` seconds from now."""
    for _ in range(most):
        if not building.step(time.time() + at):
            return at
    raise AssertionError("It does not come to rest.")


def shown(id: str) -> dict[str, Any]:
    return machine_orders.show(id)


def only(things: dict[str, Any]) -> Any:
    [one] = things.values()
    return one


def token(cloud: FakeScaleway) -> str:
    """The token that was given to the machine."""
    script = only(cloud.user_data)
    assert script.startswith("#!/bin/sh\n")
    return str(re.findall(r"CELLAR_ENROL_TOKEN=(\S+) CELLAR_ENROL_NAME=rack-1", script)[0])


def booted(cloud: FakeScaleway, **told: Any) -> str:
    """An order whose machine is booting; return its id."""
    id = order(**told)
    go()
    assert shown(id)["state"] == "booting", shown(id)
    return id


def enrolled(cloud: FakeScaleway, **told: Any) -> str:
    id = booted(cloud, **told)
    enrol(token(cloud), "rack-1")
    go(rules.LOOK_S + 1)
    assert shown(id)["state"] == "enrolled"
    return id
