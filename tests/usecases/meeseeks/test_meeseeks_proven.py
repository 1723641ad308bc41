"""An address's roles go only to those who have proved that it is theirs; without mail, an operator's word is enough."""

import pytest
from chatting import ANN, PASSWORD, ZOE, chat, keep, link
from pouring import owner

from pillar_service.core.errors import Forbidden, NotFound
from pillar_service.core.meeseeks.roles import Reason
from pillar_service.store import database
from pillar_service.usecases.chat import approvers
from pillar_service.usecases.meeseeks import catalogue, deciding, explaining, people
from pillar_service.usecases.people import accounts, profile, sign_up

NAMED, APPROVES = "ann@example.org", "zed@example.org"
"""Addresses that have a role in `chatting.ROLES`."""

HERE = "192.0.2.7"
STRANGER = "quince teapot walrus 7"


@pytest.fixture(autouse=True)
def _kept(service: object) -> None:
    keep()


def roles(id: str = ZOE) -> list[str]:
    """The names of a chat user's roles."""
    caller = chat(id).caller
    assert caller is not None
    return [role.name for role in catalogue.current().policy.of(caller)]


def registered(email: str) -> str:
    """An account made by signing up; return its id."""
    sign_up.register(email, STRANGER, "Zoe", HERE)
    return str(accounts.show(email)["id"])


def test_who_registers_an_address_that_a_role_names_does_not_get_the_role() -> None:
    link(ZOE, registered(NAMED))
    assert roles() == []
    assert not deciding.decided(chat(ZOE), "say", None).allowed
    assert any("ann@example.org is not verified" in line for line in explaining.can(f"T01/{ZOE}", "say")["why"])


def test_who_moves_to_an_address_that_a_role_names_does_not_get_the_role() -> None:
    person = owner("zoe@example.org")
    link(ZOE, person)
    profile.ask_email(person, PASSWORD, None, APPROVES, HERE)
    assert accounts.show(person)["email"] == APPROVES
    assert roles() == []
    assert approvers.of("approver", "T01", "chat:T01/" + ANN) == ["U02", "U03", "U04"]


def test_an_operators_word_is_enough() -> None:
    link(ZOE, owner(NAMED))
    assert roles() == ["tester"]
    person = registered(APPROVES)
    link(ZOE, person)
    assert roles() == []
    assert accounts.verify("test", APPROVES)["agent"]["verified"]
    assert roles() == ["approver"]
    with pytest.raises(NotFound):
        accounts.verify("test", "nobody@example.org")


def test_who_writes_the_same_address_again_keeps_that_it_was_verified() -> None:
    person = owner(NAMED)
    link(ZOE, person)
    profile.ask_email(person, PASSWORD, None, NAMED, HERE)
    assert roles() == ["tester"]


def test_a_chat_users_own_id_counts_whatever_the_address() -> None:
    link(ANN, registered("new@example.org"))
    assert roles(ANN) == ["tester"]


def test_who_is_suspended_stays_so_in_chat_whatever_they_unlink_or_reset() -> None:
    person = owner("new@example.org")
    link(ANN, person)
    accounts.set_state("test", person, "suspended")
    with pytest.raises(Forbidden, match="suspended"):
        people.unlink(person, "T01", ANN)
    with database.transaction():
        assert people.end(person) == (0, 0)
    assert deciding.decided(chat(ANN), "say", None).reason is Reason.SUSPENDED
