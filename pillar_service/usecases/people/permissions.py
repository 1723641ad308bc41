"""Who may do what with a bot, or with an account's nodes: core's table, applied to what the database knows of the person."""

from collections.abc import Sequence

from pillar_service.core import names
from pillar_service.core.errors import Forbidden, NotFound
from pillar_service.core.people.agents import AccountRole, AccountState, Belonging
from pillar_service.core.people.permissions import Act, NodeAct, acting_role, acts, node_acts
from pillar_service.store.bots.bots import Bot
from pillar_service.store.people import accounts
from pillar_service.usecases.bots import bots
from pillar_service.usecases.people import codes


def role_of(person: str, role: str) -> AccountRole:
    """The role in which a person (an account's id) may act: their account's ``role`` counts only with a second factor."""
    kept = AccountRole(role)
    return acting_role(kept, kept is not AccountRole.PERSON and codes.is_on(person))


def of(person: str, bot: str) -> frozenset[Act]:
    """What a person (an account's id) may do with a bot (its id)."""
    return of_each(person, [bot])[bot]


def of_each(person: str, bots: Sequence[str]) -> dict[str, frozenset[Act]]:
    """What a person (an account's id) may do with each of these bots (their ids), in as many queries as for one."""
    found = accounts.stands(person, bots)
    if found is None:
        raise NotFound(f"There is no account {names.shown(person)}.")
    role, state, theirs = role_of(person, found[0]), AccountState(found[1]), found[2]
    return {bot: acts(Belonging(theirs[bot]) if bot in theirs else None, role, state) for bot in bots}


def require(person: str, act: Act, key: object, deleted: bool = False) -> Bot:
    """The bot (by id or name), if that person may do this with it; if ``deleted``, also a deleted bot by its id.

    Raises NotFound if they may not even see it, as if it did not exist, and Forbidden if they may only see it.
    """
    return allowed(person, act, key, deleted)[0]


def allowed(person: str, act: Act, key: object, deleted: bool = False) -> tuple[Bot, frozenset[Act]]:
    """Like `require`, with everything else that they may do with the bot."""
    bot = bots.found(key, deleted)
    may = of(person, bot.id)
    if Act.SEE not in may:
        raise NotFound(f"There is no bot {names.shown(key)}.")
    if act not in may:
        raise Forbidden(f"You may not {act} {bot.name}: ask one of its owners.")
    return bot, may


def require_nodes(person: str, act: NodeAct, account: str | None, unseen: str = "There is no such node.") -> None:
    """Raise unless that person may do this with the nodes of an account (None: the place's own).

    Raises NotFound with ``unseen`` if they may not even see them, Forbidden if they may only see them.
    """
    found = accounts.find(person)
    if found is None:
        raise NotFound(f"There is no account {names.shown(person)}.")
    may = node_acts(account == person, role_of(person, found.role), AccountState(found.state))
    if NodeAct.SEE not in may:
        raise NotFound(unseen)
    if act not in may:
        raise Forbidden(f"You may not {act} nodes while your account is suspended.")
