"""Pillars: what each node is told, stored as ready-made bodies."""

import hashlib
import json
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots import moves as moved
from pillar_service.core.bots.moves import MoveState
from pillar_service.core.errors import NotFound
from pillar_service.core.nodes import configuration as rules_of_configuration
from pillar_service.core.nodes import pillar as shape
from pillar_service.core.nodes.configuration import OPERATORS
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.nodes.labels import with_id
from pillar_service.core.nodes.signatures import MINION_KEY
from pillar_service.core.people import agents as rules
from pillar_service.core.people import tokens
from pillar_service.settings import settings
from pillar_service.store.bots import bots, moves
from pillar_service.store.bots.bots import Bot
from pillar_service.store.database import transaction
from pillar_service.store.nodes import configuration, nodes, pillars
from pillar_service.store.people import accounts, agents
from pillar_service.usecases.meeseeks import catalogue
from pillar_service.usecases.nodes import bundles, pub_images

BLANK = "(this node's token)"
"""Stands for the node's token in a stored body, so that a copy of the database lets nobody in at the door."""


def ready(node: str) -> tuple[str, str] | None:
    """A node's body, including its token, and its entity tag; None without a body. Cheap, as every pillar needs it."""
    found = pillars.ready(node)
    return None if found is None else (_whole(node, found[2], found[0]), found[1])


def _whole(node: str, key_serial: int, kept: str) -> str:
    before, _, after = kept.rpartition(BLANK)  # the last one: the service's section ends a body
    return before + tokens.node_token(settings().secret_key, node, key_serial) + after


def changes(after: int | None) -> tuple[int, list[str], list[str]]:
    """The latest serial, the nodes whose pillar changed after ``after``, and those of them whose configuration changed.

    Both lists are empty if ``after`` is None.
    """
    if after is None:
        return pillars.serial(), [], []
    rows = pillars.changed(after)
    configured = [row.node for row in rows if row.configured > after]
    # After a backup was restored, the serial may be lower than ``after``.
    return (rows[-1].serial if rows else min(after, pillars.serial())), [row.node for row in rows], configured


def rewrite(node: str) -> None:
    """Rewrite a node's body, in the transaction that changed its facts."""
    there = bots.listed(node=node) + bots.purging(node)
    owners = owner_states([bot.id for bot in there])
    chosen = settings()
    found = nodes.find(node)
    service = {"url": chosen.address, "token": BLANK}
    if found and found.public_key and found.key_state == KeyState.ACCEPTED:
        service["auth"] = MINION_KEY
    labels = found.labels if found else {}
    # The catalogue belongs to the place: nodes of accounts don't get to see it.
    commands = {} if found and found.account else catalogue.for_node(with_id(labels, node))
    configured = configuration_of((found.account if found else None) or OPERATORS)
    moving = moves.states()
    facts = [_facts(bot, owners.get(bot.id, []), moving.get(bot.id)) for bot in there] + _left_behind(node)
    body = shape.body(node, service, facts, labels, commands, bundles.public_key(), configured, pub_images.handed_out())
    pillars.write(node, body, shape.etag(_whole(node, found.key_serial if found else 0, body)))


def account_of(node: str) -> str:
    """The account whose configuration a node reads and writes: its own, or the operators'. Raises NotFound."""
    found = nodes.find(node)
    if found is None:
        raise NotFound(f"There is no node {names.shown(node)}.")
    return str(found.account or OPERATORS)


def configuration_of(account: str) -> dict[str, Any]:
    """What an account set for its nodes, in the form that nodes get."""
    keys = {one.key: (json.loads(one.value), one.revision) for one in configuration.listed(account)}
    return rules_of_configuration.section(configuration.revision(account), keys)


def refresh() -> int:
    """Rewrite every body if the settings or the catalogue in them changed; returns how many nodes were rewritten."""
    catalogue.refresh()
    stamped, kept = pillars.fingerprints()
    chosen = settings()
    told = (chosen.address, chosen.secret_key, chosen.domain, chosen.allow_private, *chosen.seeds)
    fingerprint = _fingerprint(kept, chosen.bundle_key, pub_images.handed_out(), *told)
    if stamped == fingerprint:
        return 0
    with transaction():
        if pillars.fingerprint() == fingerprint:
            return 0
        everywhere = nodes.listed()
        for node in everywhere:
            rewrite(node.id)
        pillars.stamp(fingerprint)
    return len(everywhere)


@lru_cache(maxsize=4)
def _fingerprint(kept: str, bundle_key: str | None, image: shape.ImageFacts | None, *told: object) -> str:
    """The fingerprint of the bodies made with the stored catalogue and these settings."""
    facts = [BLANK, shape.SHAPE, *told, bundle_key and bundles.public_key(), image and asdict(image), kept]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def owner_states(of: list[str]) -> dict[str, list[rules.AccountState]]:
    """For each of these bots, the states of its owners' accounts."""
    owning = agents.people_of(of, rules.Belonging.OWNER)
    found = accounts.with_ids({row.source for row in owning})
    states: dict[str, list[rules.AccountState]] = {}
    for row in owning:
        states.setdefault(row.target, []).append(rules.AccountState(found[row.source].state))
    return states


def effective(bot: Bot) -> rules.Desired:
    """The state that a bot's node is told to bring it to."""
    move = moves.open_of(bot.id)
    return _desired(bot, owner_states([bot.id]).get(bot.id, []), move.state if move else None)


def all_effective(those: list[Bot]) -> dict[str, rules.Desired]:
    """The same for many bots at once, by their ids."""
    owners, moving = owner_states([bot.id for bot in those]), moves.states()
    return {bot.id: _desired(bot, owners.get(bot.id, []), moving.get(bot.id)) for bot in those}


def _desired(bot: Bot, owners: list[rules.AccountState], moving: str | None) -> rules.Desired:
    desired = rules.effective(rules.Desired(bot.desired), owners)
    return desired if moving is None else moved.told(MoveState(moving), desired)


def _left_behind(node: str) -> list[shape.BotFacts]:
    """Tombstones of the bots that moved away, until nothing of them is left on the node."""
    gone = {move.bot: move.state == MoveState.CLEARING for move in moves.behind(node)}
    those = bots.with_ids(gone).values()
    absent = rules.Desired.ABSENT
    return [
        replace(_facts(bot, [], None), desired=absent, purge=gone[bot.id], port=None, imported=None) for bot in those
    ]


def _facts(bot: Bot, owners: list[rules.AccountState], moving: str | None) -> shape.BotFacts:
    chosen = settings()
    return shape.BotFacts(
        id=bot.id,
        name=bot.name,
        host=f"{bot.name}.{chosen.domain}",
        service=bot.service,
        desired=_desired(bot, owners, moving),
        purge=bot.purge,
        port=bot.port,
        image=bot.image,
        memory_mb=bot.memory_mb,
        allow_private=chosen.allow_private,
        seeds=chosen.seeds,
        imported=bot.imported,
        pub_id=bot.pub_id,
    )
