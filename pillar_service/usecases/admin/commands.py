"""The catalogue, as operators see it."""

from typing import Any

from pillar_service.core.meeseeks.roles import Policy, Role
from pillar_service.store.meeseeks import catalogues
from pillar_service.usecases.meeseeks import catalogue, describing


def shown() -> dict[str, Any]:
    """What is in force now: {"commands", "roles", "fault", "read_at"}; ``fault`` is why the files are not taken, if so.

    Hidden commands are listed, too.
    """
    now, kept = catalogue.current(), catalogues.find()
    known = sorted(now.catalogue.commands.values(), key=lambda one: one.name)
    return {
        "commands": describing.commands(known),
        "roles": [_role(role, now.policy) for role in now.policy.roles],
        "fault": catalogue.fault(),
        "read_at": None if kept is None or not kept.body else kept.read_at,
    }


def _role(role: Role, policy: Policy) -> dict[str, Any]:
    return {
        "name": role.name,
        "users": sorted(policy.users(role)),
        "groups": list(role.groups),
        "grants": [str(one) for one in role.grants],
    }
