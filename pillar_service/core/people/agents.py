"""Agents: persons and bots, and who belongs to whom."""

from enum import StrEnum


class AgentType(StrEnum):
    """What an agent is (in the user's own data model, an agent has a type, name, description and service)."""

    PERSON = "person"
    BOT = "bot"


class Service(StrEnum):
    """What a bot runs."""

    PUB = "pub"


class Belonging(StrEnum):
    """How a person belongs to a bot: an owner may do everything, a member only what sharing the bot needs."""

    OWNER = "owner"
    MEMBER = "member"


class AccountState(StrEnum):
    """Whether an account's bots may run."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Hold(StrEnum):
    """Why an account is suspended: it becomes active again when no hold is left."""

    OPERATOR = "operator"
    PAYMENT = "payment"


class AccountRole(StrEnum):
    """What an account may do beyond its own bots."""

    PERSON = "person"
    OPERATOR = "operator"


class Desired(StrEnum):
    """What a bot should be. Absent is the tombstone: nothing else ever removes a bot."""

    RUNNING = "running"
    STOPPED = "stopped"
    ABSENT = "absent"


class Actual(StrEnum):
    """What a bot is, as far as its node has reported."""

    PROVISIONING = "provisioning"
    ALIVE = "alive"
    SICK = "sick"
    STOPPED = "stopped"
    LOST = "lost"
    GONE = "gone"


def effective(desired: Desired, owners: list[AccountState]) -> Desired:
    """What a node is told that a bot should be: stopped if all its owners are suspended; its own wish is kept for later."""
    suspended = bool(owners) and all(state is AccountState.SUSPENDED for state in owners)
    return Desired.STOPPED if suspended and desired is Desired.RUNNING else desired
