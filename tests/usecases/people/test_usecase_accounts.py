import pytest
from days import ahead
from pouring import OWNER, owner
from trails import trail

from pillar_service.core.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated
from pillar_service.core.people import limits
from pillar_service.store import database
from pillar_service.store.people import accounts as rows
from pillar_service.store.people import agents
from pillar_service.usecases.people import accounts, passwords
from pillar_service.usecases.service import masters

pytestmark = pytest.mark.usefixtures("service")


def test_a_password_is_made_shown_once_and_kept_as_a_hash() -> None:
    made, password = accounts.create("test", "Demo@Example.org ")
    assert password
    assert accounts.sign_in(OWNER, password, "127.0.0.1").account == made["id"]
    kept = rows.find(OWNER)
    assert kept is not None
    assert kept.password_hash.startswith("$argon2id$")
    assert password not in str(trail(f"agent:{made['id']}"))


def test_an_address_has_one_account() -> None:
    owner()
    with pytest.raises(Conflict, match="already"):
        owner("DEMO@example.org")
    for wrong in (
        {"email": "x"},
        {"email": "a@b.c", "password": "short"},
        {"email": "a@b.c", "role": "king"},
        {"email": None},
    ):
        with pytest.raises(Invalid):
            accounts.create("test", **wrong)
    assert len(accounts.listed()) == 1


def test_a_wrong_address_and_a_wrong_password_are_answered_alike() -> None:
    owner()
    said = set()
    for email, password in (
        (OWNER, "wrong"),
        ("nobody@example.org", "wrong"),
        ("\x00", "x"),
        ("x" * 5000, "\ud800"),
        (OWNER, ""),
    ):
        with pytest.raises(Unauthenticated) as refused:
            accounts.sign_in(email, password, "127.0.0.1")
        said.add(refused.value.sentence)
    assert len(said) == 1


@pytest.mark.parametrize("what", [{"password_hash": "another"}, None])
def test_a_password_that_ends_while_it_is_checked_opens_nothing(
    what: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, real = owner(), passwords.is_right

    def slowly(*given: str) -> bool:
        found = real(*given)
        with database.transaction():
            if what is None:
                agents.change(id, removed_at=1.0)
            else:
                rows.change(id, **what)
        return found

    monkeypatch.setattr(passwords, "is_right", slowly)
    with pytest.raises(Unauthenticated, match="do not match"):
        accounts.sign_in(OWNER, "long enough 1", "127.0.0.1")


def test_ten_failures_lock_out_that_address_for_a_while() -> None:
    owner()
    for _ in range(limits.PAIR):
        with pytest.raises(Unauthenticated):
            accounts.sign_in(OWNER, "wrong", "192.0.2.1")
    with pytest.raises(TooMany, match="15 minutes"):
        accounts.sign_in(OWNER, "long enough 1", "192.0.2.1")
    assert accounts.sign_in(OWNER, "long enough 1", "192.0.2.2")
    with database.transaction():
        rows.SignInFailure.update(at=rows.SignInFailure.at - limits.WINDOW_S - 1).execute()
    assert accounts.sign_in(OWNER, "long enough 1", "192.0.2.1")


def test_a_network_of_ipv6_has_no_more_guesses_for_having_many_addresses() -> None:
    owner()
    for host in range(limits.PAIR):
        with pytest.raises(Unauthenticated):
            accounts.sign_in(OWNER, "wrong", f"2001:db8::{host:x}")
    with pytest.raises(TooMany):
        accounts.sign_in(OWNER, "long enough 1", "2001:db8::ffff")
    assert accounts.sign_in(OWNER, "long enough 1", "2001:db8:0:1::1")


def test_what_failed_while_the_clock_was_ahead_locks_nobody_out_once_it_is_right() -> None:
    owner()
    with ahead(365 * 86_400):
        for _ in range(limits.PAIR):
            with pytest.raises(Unauthenticated):
                accounts.sign_in(OWNER, "wrong", "192.0.2.1")
        with pytest.raises(TooMany):
            accounts.sign_in(OWNER, "long enough 1", "192.0.2.1")
    assert accounts.sign_in(OWNER, "long enough 1", "192.0.2.1")
    assert rows.SignInFailure.select().count() == 0, "nothing of then is kept for a year"


def test_states_of_accounts() -> None:
    owner()
    with pytest.raises(Invalid):
        accounts.set_state("test", OWNER, "asleep")
    with pytest.raises(NotFound):
        accounts.set_state("test", "nobody@example.org", "active")


def test_a_masters_token_is_kept_as_a_hash_and_ends_with_the_next() -> None:
    first = masters.new_token("test", "salt")
    assert masters.authenticate(first) == "salt"
    second = masters.new_token("test", "salt")
    for wrong in (first, "", "x", "ü"):
        with pytest.raises(Unauthenticated, match="master-token NAME`, and put it into the master's token_file"):
            masters.authenticate(wrong)
    assert masters.authenticate(second) == "salt"
    [(_, kept)] = database.db.execute_sql("SELECT name, token_hash FROM master").fetchall()
    assert second not in kept
