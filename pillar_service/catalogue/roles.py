"""`roles.yaml`: groups and roles, made from their shapes. Whatever is not understood is a fault; nothing is guessed."""

from typing import Any

from pillar_service.catalogue.shapes import GrantShape, RoleShape
from pillar_service.catalogue.shaping import mapping, only, shaped
from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks import patterns, roles
from pillar_service.core.meeseeks.roles import Grant, Policy, Role, User
from pillar_service.core.nodes import selectors
from pillar_service.core.nodes.selectors import EVERYTHING, Selector
from pillar_service.documents.faults import Faults, Path


def read(value: Any, faults: Faults) -> Policy:
    """The policy; every fault is noted."""
    told = mapping(value, (), faults, "This file")
    only(told, ("groups", "roles"), faults)
    written = mapping(told.get("groups"), ("groups",), faults, "groups")
    groups = {
        _name(name, ("groups", name), faults): _group(users, ("groups", name), faults)
        for name, users in written.items()
    }
    bodies = mapping(told.get("roles"), ("roles",), faults, "roles")
    made = [_role(name, body, frozenset(groups), ("roles", name), faults) for name, body in bodies.items()]
    return Policy(tuple(one for one in made if one is not None), groups)


def _name(name: str, at: Path, faults: Faults) -> str:
    if not roles.NAME.fullmatch(name):
        faults.add(at, f"{names.shown(name)} can't be a name: use lower-case letters, digits and hyphens.")
    return name


def _group(value: Any, at: Path, faults: Faults) -> frozenset[User]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        faults.add(at, "A group is a list of users: 'TEAM/USER' as Slack writes their ids, or e-mail addresses.")
        return frozenset()
    return _users(value, at, faults)


def _users(given: list[str], at: Path, faults: Faults) -> frozenset[User]:
    found = set()
    for number, user in enumerate(given):
        try:
            found.add(user if roles.CHAT_USER.fullmatch(user) else names.email(user))
        except Invalid:
            faults.add(
                (*at, number),
                f"{names.shown(user)} is not a user: write Slack's ids as 'T01ABC/U02DEF', or an e-mail address.",
            )
    return frozenset(found)


def _role(name: str, body: Any, groups: frozenset[str], at: Path, faults: Faults) -> Role | None:
    shape = shaped(RoleShape, body, at, faults)
    if shape is None:
        return None
    for number, group in enumerate(shape.groups):
        if group not in groups:
            faults.add(
                (*at, "groups", number),
                f"There is no group {names.shown(group)}; there are: {', '.join(sorted(groups)) or 'none'}.",
            )
    grants = tuple(_grant(one, (*at, "grants", number), faults) for number, one in enumerate(shape.grants))
    return Role(_name(name, at, faults), _users(shape.users, (*at, "users"), faults), tuple(shape.groups), grants)


def _grant(shape: GrantShape, at: Path, faults: Faults) -> Grant:
    for number, channel in enumerate(shape.channels):
        if channel not in (roles.ANY, roles.DIRECT) and not roles.CHANNEL_ID.fullmatch(channel):
            faults.add(
                (*at, "channels", number),
                f"{names.shown(channel)} is not a channel: write any, direct, or its id, such as 'C01ABC'.",
            )
    for name, pattern in shape.arguments.items():
        wrong = patterns.fault(pattern)
        if wrong:
            faults.add((*at, "arguments", name), f"{names.shown(pattern)} {wrong}.")
    return Grant(
        tuple(shape.commands),
        _selector(shape.selector, (*at, "selector"), faults),
        tuple(shape.channels),
        shape.arguments,
    )


def _selector(text: str, at: Path, faults: Faults) -> Selector:
    if text == roles.ANY:
        return EVERYTHING
    with faults.at(at):
        chosen = selectors.parse(text)
        if chosen == EVERYTHING:
            faults.add(at, "Say which nodes: a selector, or any for every node.")
        return chosen
    return EVERYTHING
