"""Who may do what with a bot. This is the only place that decides it; what is not named is denied.

    act      owner  member  operator  stranger
    see        x      x        x
    invite     x      x
    operate    x      x        x
    change     x
    export     x
    delete     x               x
    share      x

A suspended account may still see its bots (see) and, as their owner, take their data away (export). Operators may not
export a bot, whose secret would be in the export, or invite people to it: the bot is not theirs.

Who may do what with the nodes of an account:

    act      owner  operator  stranger
    see        x        x
    enrol      x        x
    configure  x        x
    offer      x        x
    rotate     x        x
    revoke     x        x

While an account is suspended, its owner still sees its nodes, and may cut one off for safety.

The column "operator" is for accounts with that role and a second factor; without one the role has no effect (`acting_role`).

In chat, roles decide (core.meeseeks.roles), but only for the place's own nodes. For a bot on a node that belongs to an
account, the first table applies, too, with the account that the chat user is linked to.
"""

from enum import StrEnum

from pillar_service.core.errors import Conflict, Forbidden
from pillar_service.core.people.agents import AccountRole, AccountState, Belonging


class Act(StrEnum):
    """What somebody does with a bot."""

    SEE = "see"
    INVITE = "invite"
    OPERATE = "operate"
    CHANGE = "change"
    EXPORT = "export"
    DELETE = "delete"
    SHARE = "share"


class NodeAct(StrEnum):
    """What somebody does with an account's nodes: enrol means making tokens that let machines in; offer means setting
    whose bots and how many they take, and draining one."""

    SEE = "see"
    ENROL = "enrol"
    CONFIGURE = "configure"
    OFFER = "offer"
    ROTATE = "rotate"
    REVOKE = "revoke"


OF_OWNER = frozenset(Act)
OF_MEMBER = frozenset({Act.SEE, Act.INVITE, Act.OPERATE})
OF_OPERATOR = frozenset({Act.SEE, Act.OPERATE, Act.DELETE})
OF_SUSPENDED = frozenset({Act.SEE, Act.EXPORT})

WITH_NODES = frozenset(NodeAct)
WITH_NODES_SUSPENDED = frozenset({NodeAct.SEE, NodeAct.REVOKE})

OF_COMMAND = {
    "bots.create": Act.CHANGE,
    "bots.import": Act.CHANGE,
    "bots.start": Act.OPERATE,
    "bots.stop": Act.OPERATE,
    "bots.restart": Act.OPERATE,
    "bots.upgrade": Act.OPERATE,
    "bots.rebuild": Act.OPERATE,
    "bots.logs": Act.OPERATE,
    "bots.invite": Act.INVITE,
    "bots.invites": Act.INVITE,
    "bots.revoke": Act.INVITE,
    "bots.export": Act.EXPORT,
    "bots.delete": Act.DELETE,
    "bots.bring_back": Act.DELETE,
    "bots.purge": Act.DELETE,
    "bots.vacate": Act.DELETE,
}
"""What a person must be allowed to do to ask for a command; a test checks that every command is listed."""


def to_ask(command: str) -> Act:
    """The act that a command needs.

    Raises Conflict for a command of a newer version, whose jobs remain after a downgrade.
    """
    if command in OF_COMMAND:
        return OF_COMMAND[command]
    raise Conflict(f"{command} belongs to a newer version of the service: this version can't act on it.")


def acting_role(role: AccountRole, has_second_factor: bool) -> AccountRole:
    """The role in which an account may act: without a second factor, nobody is an operator."""
    return role if has_second_factor else AccountRole.PERSON


def acts(belonging: Belonging | None, role: AccountRole, state: AccountState) -> frozenset[Act]:
    """All that a person may do with a bot, given how they belong to it, their role, and the state of their account."""
    of_belonging = {None: frozenset[Act](), Belonging.OWNER: OF_OWNER, Belonging.MEMBER: OF_MEMBER}[belonging]
    if state is AccountState.SUSPENDED:
        return of_belonging & OF_SUSPENDED
    return of_belonging | (OF_OPERATOR if role is AccountRole.OPERATOR else frozenset())


def refuse_on_theirs(bot: str, node: str, command: str, may: frozenset[Act]) -> None:
    """Raise Forbidden for a command in chat for a bot on a node that belongs to an account, unless ``may`` allows it.

    ``may`` is what the asker's account may do with the bot, ``bot`` the bot's name. Roles only cover the place's own nodes.
    """
    if OF_COMMAND[command] not in may:
        raise Forbidden(
            f"{bot} is on {node}, which belongs to an account, so roles don't cover it. If you may do this on the bot's page, "
            "link your account ('2fa enrol'), then ask again."
        )


def node_acts(is_owner: bool, role: AccountRole, state: AccountState) -> frozenset[NodeAct]:
    """All that a person may do with an account's nodes, given whether it is their account, their role, and its state."""
    if state is AccountState.SUSPENDED:
        return WITH_NODES_SUSPENDED if is_owner else frozenset()
    return WITH_NODES if is_owner or role is AccountRole.OPERATOR else frozenset()


def may_administer(role: AccountRole, state: AccountState) -> bool:
    """Whether an account may open the operators' pages, which also require a second factor."""
    return role is AccountRole.OPERATOR and state is AccountState.ACTIVE
