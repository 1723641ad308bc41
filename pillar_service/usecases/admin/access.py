"""Who may see the operators' pages."""

from pillar_service.core.errors import Forbidden, NotFound
from pillar_service.core.people.agents import AccountRole, AccountState
from pillar_service.core.people.permissions import may_administer
from pillar_service.store.people import accounts
from pillar_service.usecases.people import codes


def is_operator(person: str | None) -> bool:
    """Whether an account (its id) is an operator's, and active."""
    account = accounts.find(person) if person else None
    return account is not None and may_administer(AccountRole(account.role), AccountState(account.state))


def admit(person: str | None) -> None:
    """Let an account (its id) in.

    Raises NotFound for everybody but active operators, and Forbidden for one whose second factor is off.
    """
    if person is None or not is_operator(person):
        raise NotFound("There is nothing at this address.")
    if not codes.is_on(person):
        raise Forbidden("Turn on two-factor sign-in on your account page: the operators' pages ask for it.")
