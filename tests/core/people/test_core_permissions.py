"""The table of who may do what, with every combination written out."""

import pytest

from pillar_service.core.jobs.commands import COMMANDS
from pillar_service.core.people.agents import AccountRole, AccountState, Belonging
from pillar_service.core.people.permissions import (
    OF_COMMAND,
    Act,
    NodeAct,
    acting_role,
    acts,
    may_administer,
    node_acts,
)

OWNER, MEMBER, STRANGER = Belonging.OWNER, Belonging.MEMBER, None
PERSON, OPERATOR = AccountRole.PERSON, AccountRole.OPERATOR
ACTIVE, SUSPENDED = AccountState.ACTIVE, AccountState.SUSPENDED


@pytest.mark.parametrize(
    ("belonging", "role", "state", "may"),
    [
        (OWNER, PERSON, ACTIVE, "see invite operate change export delete share"),
        (OWNER, OPERATOR, ACTIVE, "see invite operate change export delete share"),
        (OWNER, PERSON, SUSPENDED, "see export"),
        (OWNER, OPERATOR, SUSPENDED, "see export"),
        (MEMBER, PERSON, ACTIVE, "see invite operate"),
        (MEMBER, OPERATOR, ACTIVE, "see invite operate delete"),
        (MEMBER, PERSON, SUSPENDED, "see"),
        (MEMBER, OPERATOR, SUSPENDED, "see"),
        (STRANGER, PERSON, ACTIVE, ""),
        (STRANGER, OPERATOR, ACTIVE, "see operate delete"),
        (STRANGER, PERSON, SUSPENDED, ""),
        (STRANGER, OPERATOR, SUSPENDED, ""),
    ],
)
def test_each_standing_may_exactly_this(belonging, role, state, may):
    assert acts(belonging, role, state) == {Act(act) for act in may.split()}


@pytest.mark.parametrize(
    ("is_owner", "role", "state", "may"),
    [
        (True, PERSON, ACTIVE, "see enrol configure offer rotate revoke"),
        (True, OPERATOR, ACTIVE, "see enrol configure offer rotate revoke"),
        (True, PERSON, SUSPENDED, "see revoke"),
        (True, OPERATOR, SUSPENDED, "see revoke"),
        (False, PERSON, ACTIVE, ""),
        (False, OPERATOR, ACTIVE, "see enrol configure offer rotate revoke"),
        (False, PERSON, SUSPENDED, ""),
        (False, OPERATOR, SUSPENDED, ""),
    ],
)
def test_with_an_accounts_nodes_each_may_exactly_this(is_owner, role, state, may):
    assert node_acts(is_owner, role, state) == {NodeAct(act) for act in may.split()}


def test_a_role_counts_with_a_second_factor_alone():
    assert [acting_role(role, has) for role in (PERSON, OPERATOR) for has in (False, True)] == [PERSON] * 3 + [OPERATOR]


def test_every_command_says_what_it_takes():
    assert OF_COMMAND.keys() == COMMANDS.keys()


def test_operators_alone_administer_and_only_while_they_are_active():
    allowed = {(role, state) for role in AccountRole for state in AccountState if may_administer(role, state)}
    assert allowed == {(OPERATOR, ACTIVE)}
