import pytest
from days import ahead
from pouring import OWNER, owner

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import NotFound, Unauthenticated
from pillar_service.core.people import tokens
from pillar_service.store.database import transaction
from pillar_service.store.people import accounts as rows
from pillar_service.store.people.sessions import Session
from pillar_service.usecases.people import accounts, sessions

pytestmark = pytest.mark.usefixtures("service")
HERE = "192.0.2.7"


def test_a_session_is_found_by_its_token_alone_which_is_kept_as_a_hash() -> None:
    id = owner()
    token = sessions.begin(id, HERE, "Firefox\x00 " + "x" * 500)
    found = sessions.find(token, HERE)
    assert found is not None
    assert found["account"] == id
    [row] = Session.select()
    assert row.id == tokens.hash_token(token)
    assert token not in str(row.__data__)
    assert len(row.browser) == sessions.BROWSER_LENGTH
    for wrong in (row.id, "", "x", token[:-1], "ü"):
        assert sessions.find(wrong, HERE) is None


def test_signing_in_again_ends_what_the_browser_had() -> None:
    id = owner()
    first = sessions.begin(id, HERE, "")
    second = sessions.begin(id, HERE, "", first)
    assert first != second
    assert sessions.find(first, HERE) is None
    assert sessions.find(second, HERE)


def test_who_signed_in_with_a_password_that_was_changed_at_once_has_no_session() -> None:
    id = owner()
    was = accounts.sign_in(OWNER, "long enough 1", HERE)
    sessions.begin(id, HERE, "", proof=was)
    with transaction():
        rows.change(id, password_hash="another")
    with pytest.raises(Unauthenticated, match="do not match"):
        sessions.begin(id, HERE, "", proof=was)
    assert len(sessions.listed(id, "")) == 1


def test_after_fourteen_idle_days_a_session_is_over_and_forgotten() -> None:
    id = owner()
    token = sessions.begin(id, HERE, "")
    Session.update(seen_at=Session.seen_at - sessions.IDLE_S + 3600).execute()
    assert sessions.find(token, "198.51.100.1")
    [row] = Session.select()
    assert row.address == "198.51.100.1"  # It has been seen, so it lives on.
    Session.update(seen_at=Session.seen_at - sessions.IDLE_S - 1).execute()
    assert sessions.find(token, HERE) is None
    sessions.begin(id, HERE, "")
    assert Session.select().count() == 1


def test_a_session_seen_while_the_clock_was_ahead_ends_after_fourteen_idle_days_too() -> None:
    id = owner()
    with ahead(365 * DAY_S):
        used, unused = (sessions.begin(id, HERE, "") for _ in range(2))
    found = sessions.find(used, HERE)
    assert found is not None
    assert found["is_renewed"]
    sessions.begin(id, HERE, "")
    with ahead(sessions.IDLE_S + 60):
        assert sessions.listed(id, "") == []
        assert sessions.find(unused, HERE) is None


def test_one_is_ended_by_its_owner_only() -> None:
    mine, theirs = owner(), owner("other@example.org")
    token = sessions.begin(theirs, HERE, "")
    found = sessions.find(token, HERE)
    assert found is not None
    with pytest.raises(NotFound):
        sessions.end(mine, found["session"])
    assert sessions.end_others(mine, None) == 0
    assert sessions.find(token, HERE)
    [listed] = sessions.listed(theirs, found["session"])
    assert listed["is_this"]
    sessions.end(theirs, found["session"])
    assert sessions.find(token, HERE) is None


def test_a_suspended_person_may_sign_in_and_see() -> None:
    id = owner()
    token = sessions.begin(id, HERE, "")
    accounts.set_state("test", id, "suspended")
    assert sessions.find(token, HERE)


def test_one_session_more_than_there_may_be_ends_the_one_that_was_seen_longest_ago() -> None:
    id = owner()
    other = sessions.begin(owner("other@example.org"), HERE, "")
    first, second = (sessions.begin(id, HERE, "a program that signs in again and again") for _ in range(2))
    for token, ago in ((first, 20), (second, 30)):
        Session.update(seen_at=Session.seen_at - ago).where(Session.id == tokens.hash_token(token)).execute()
    for _ in range(sessions.MOST - 1):
        last = sessions.begin(id, HERE, "")
    assert len(sessions.listed(id, "")) == sessions.MOST
    assert sessions.find(second, HERE) is None
    assert all(sessions.find(token, HERE) for token in (first, last, other))
