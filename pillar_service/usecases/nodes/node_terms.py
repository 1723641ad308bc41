"""Terms of nodes: whose bots a node takes, and how many; set by its owner or an operator."""

import time
from collections.abc import Sequence
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Forbidden, Invalid
from pillar_service.core.nodes.rooms import Sharing
from pillar_service.core.people import mails
from pillar_service.core.people.permissions import NodeAct
from pillar_service.store.bots import bots
from pillar_service.store.database import transaction
from pillar_service.store.nodes import node_shares, rooms
from pillar_service.store.nodes import nodes as rows
from pillar_service.store.people import agents
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.service import auditing
from pillar_service.usecases.service.auditing import Deed

MOST_NAMED = 100
"""How many addresses a node can be shared with."""

MOST_BOTS = 10_000

SHARED_WITH, UNSHARED_WITH = NAMING = ("nodes.share_with", "nodes.unshare_with")
"""The audit's actions whose detail is nothing but somebody's address."""


def share(actor: str, id: object, sharing: object, emails: object = ()) -> dict[str, Any]:
    """Set whose bots a node takes: own, named (also those of the accounts with these e-mail addresses), or all.

    Returns the node. Bots that are already there stay. Raises NotFound, Invalid.
    """
    chosen, named, now = names.one_of(Sharing, sharing, "sharing"), _named(emails), time.time()
    if named and chosen is not Sharing.NAMED:
        raise Invalid(f"Addresses only go with the sharing 'named', not with '{chosen}'.")
    with transaction():
        node = nodes.found(id)
        before = node_shares.of(node.id)
        rows.change(node.id, sharing=str(chosen))
        node_shares.put(node.id, named)
        auditing.record_all(_deeds(actor, f"node:{node.id}", chosen, before, named), now)
        return nodes.described(nodes.found(id))


def _deeds(actor: str, node: str, chosen: Sharing, before: Sequence[str], named: Sequence[str]) -> list[Deed]:
    """What the audit says: each address in a row of its own, which is blanked when whoever has it leaves."""
    told = [Deed(actor, "nodes.share", node, str(chosen))]
    told += [Deed(actor, SHARED_WITH, node, email) for email in named if email not in before]
    return told + [Deed(actor, UNSHARED_WITH, node, email) for email in before if email not in named]


def _named(given: object) -> list[str]:
    if not isinstance(given, list | tuple) or len(given) > MOST_NAMED:
        raise Invalid(f"Name at most {MOST_NAMED} accounts, by their e-mail addresses.")
    return sorted({mails.address(one) for one in given})


def limit(actor: str, id: object, most: object) -> dict[str, Any]:
    """Set how many bots a node has at most (None: as many as its ports and capacity allow); returns it.

    Bots that are already there stay. Raises NotFound, Invalid.
    """
    count = None if most is None else names.whole_number(most, "number of bots", 0, MOST_BOTS)
    with transaction():
        node = nodes.found(id)
        rows.change(node.id, bots_most=count)
        said = "no limit" if count is None else str(count)
        auditing.record(actor, "nodes.limit", f"node:{node.id}", time.time(), said)
        return nodes.described(nodes.found(id))


def set(actor: str, id: object, sharing: object, emails: object, most: object) -> dict[str, Any]:
    """Set both in one transaction; returns the node."""
    with transaction():
        share(actor, id, sharing, emails)
        return limit(actor, id, most)


def set_of(person: str, id: object, sharing: object, emails: Sequence[str], most: object) -> dict[str, Any]:
    """Set both, as a person who may.

    Letting a node take everybody's bots is possible only on the operators' pages and by salt-run: operators answer for
    it.
    """
    node = nodes.allowed(person, NodeAct.OFFER, id)
    if sharing == Sharing.ALL and node.sharing != Sharing.ALL:
        raise Forbidden("Only whoever runs this place can let a machine take everybody's bots: ask them.")
    return set(f"account:{person}", id, sharing, emails, most)


def show_of(person: str, id: object) -> dict[str, Any]:
    """A node's terms and bots, as a person who may see it; bots that they may not see are only counted."""
    return show(nodes.allowed(person, NodeAct.SEE, id).id, person)


def show(id: object, person: str | None = None) -> dict[str, Any]:
    """{"node", "emails", "room", "bots", "others"}: a node's terms, how full it is, and the names of its bots.

    With ``person``, ``bots`` are those that they belong to, and ``others`` counts the rest.
    """
    node = nodes.found(id)
    [room] = rooms.found(time.time(), [], node.id)
    there = bots.listed(node=node.id)
    theirs = None if person is None else frozenset(agents.bots_of(person))
    seen = [bot.name for bot in there if theirs is None or bot.id in theirs]
    full = {"taken": len(room.taken), "most": room.most, "why": room.hindrance(0)}
    told = {"node": nodes.described(node), "emails": node_shares.of(node.id), "room": full}
    return told | {"bots": seen, "others": len(there) - len(seen)}
