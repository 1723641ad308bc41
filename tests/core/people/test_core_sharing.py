"""Who may leave, who may be given a bot, and how many invitations are too many."""

import pytest

from pillar_service.core.errors import Conflict, Invalid, NotFound, TooMany
from pillar_service.core.people import sharing
from pillar_service.core.people.agents import Belonging

OWNER, MEMBER = Belonging.OWNER, Belonging.MEMBER
TWO = {"ann": OWNER, "bob": MEMBER}
THREE = {"ann": OWNER, "bob": MEMBER, "cy": OWNER}


@pytest.mark.parametrize(
    ("people", "active", "who", "refused"),
    [
        (TWO, {"ann", "bob"}, "bob", None),
        (TWO, {"ann", "bob"}, "ann", Conflict),
        (TWO, {"ann", "bob"}, "eve", NotFound),
        (TWO, {"bob"}, "bob", None),
        (TWO, {"bob"}, "ann", Conflict),
        (THREE, {"ann", "bob", "cy"}, "ann", None),
        (THREE, {"ann", "bob"}, "ann", Conflict),  # The remaining owner is suspended, so the bot would stop.
        (THREE, {"cy"}, "ann", None),
        (THREE, {"ann"}, "cy", None),
        (THREE, set(), "cy", Conflict),
    ],
)
def test_an_owner_whose_bot_may_run_always_remains(people, active, who, refused):
    if refused is None:
        sharing.without(people, active, who)
    else:
        with pytest.raises(refused):
            sharing.without(people, active, who)


def test_the_giver_stays_as_a_member():
    assert sharing.handed_over(TWO, {"ann", "bob"}, "ann", "bob") == {"ann": MEMBER, "bob": OWNER}


@pytest.mark.parametrize(
    ("people", "active", "taker", "refused"),
    [
        (TWO, {"ann", "bob"}, "eve", NotFound),
        (TWO, {"ann", "bob"}, "ann", Invalid),
        (THREE, {"ann", "bob", "cy"}, "cy", Invalid),
        (TWO, {"ann"}, "bob", Conflict),
    ],
)
def test_a_bot_is_given_to_another_active_member_alone(people, active, taker, refused):
    with pytest.raises(refused):
        sharing.handed_over(people, active, "ann", taker)


@pytest.mark.parametrize(
    ("still_open", "today", "refused"),
    [(0, 0, False), (19, 49, False), (20, 0, True), (0, 50, True)],
)
def test_invitations_have_a_limit_for_the_bot_and_for_the_day(still_open, today, refused):
    if refused:
        with pytest.raises(TooMany):
            sharing.refuse_too_many(still_open, today)
    else:
        sharing.refuse_too_many(still_open, today)
