import threading
import time
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest
from pouring import OWNER, owner

from pillar_service.core.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated
from pillar_service.store import database
from pillar_service.store.people import mails
from pillar_service.store.people import second_factor as rows
from pillar_service.store.people.second_factor import RecoveryCode, SecondFactor
from pillar_service.usecases.people import codes, confirming, second_factor, tokens

pytestmark = pytest.mark.usefixtures("service")
PASSWORD = "long enough 1"
NOW = int(time.time()) // 30 * 30 + 15


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock, so that no test crosses half a minute."""
    monkeypatch.setattr(codes, "time", SimpleNamespace(time=lambda: NOW))


def pending() -> tuple[str, pyotp.TOTP]:
    id = owner()
    second_factor.begin(id, PASSWORD)
    waiting = second_factor.pending(id)
    assert waiting is not None
    return id, pyotp.TOTP(waiting["secret"])


def on() -> tuple[str, pyotp.TOTP, list[str]]:
    """A person with a second factor, what shows its codes, and the recovery codes; the next code is that of NOW."""
    id, telephone = pending()
    made = second_factor.turn_on(id, telephone.at(NOW, counter_offset=-1))
    return id, telephone, made


def test_it_is_on_only_after_its_first_code() -> None:
    id, telephone = pending()
    assert not second_factor.is_on(id)
    with pytest.raises(Unauthenticated):
        second_factor.turn_on(id, "000000")
    assert not second_factor.is_on(id)
    made = second_factor.turn_on(id, telephone.at(NOW))
    assert second_factor.is_on(id)
    assert len(set(made)) == 10
    assert second_factor.pending(id) is None
    with pytest.raises(Conflict):
        second_factor.begin(id, PASSWORD)
    assert not any(code.replace("-", "") in str(list(RecoveryCode.select().dicts())) for code in made)


def test_a_code_is_taken_once_and_no_older_one_after_it() -> None:
    id, telephone, _ = on()
    codes.check(id, telephone.at(NOW))
    for offset in (0, -1):
        with pytest.raises(Unauthenticated, match="used already"):
            codes.check(id, telephone.at(NOW, counter_offset=offset))
    codes.check(id, f" {telephone.at(NOW, counter_offset=1)[:3]} {telephone.at(NOW, counter_offset=1)[3:]} ")


def test_two_at_once_with_one_code_are_one() -> None:
    id, telephone, _ = on()
    code, taken, start = telephone.at(NOW), [], threading.Barrier(4)

    def enter() -> None:
        start.wait()
        try:
            codes.check(id, code)
            taken.append(1)
        except Unauthenticated:
            pass
        finally:
            database.release()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [1]


def test_a_recovery_code_is_taken_once_and_new_ones_end_the_old() -> None:
    id, telephone, made = on()
    codes.check(id, made[0].upper())
    with pytest.raises(Unauthenticated):
        codes.check(id, made[0])
    assert second_factor.told(id)["codes_left"] == 9
    fresh = second_factor.renew(id, PASSWORD, telephone.at(NOW))
    with pytest.raises(Unauthenticated):
        codes.check(id, made[1])
    codes.check(id, fresh[1])


@pytest.mark.parametrize("wrong", ["", None, "1", "0000000", "٣٣٣٣٣٣", "\ud800", "x" * 10_000, "ü"])
def test_what_is_no_code_is_refused(wrong: str | None) -> None:
    id, _, _ = on()
    with pytest.raises(Unauthenticated):
        codes.check(id, wrong)


def test_ten_wrong_codes_lock_it_even_for_the_right_one() -> None:
    id, telephone, made = on()
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            codes.check(id, "000000")
    for right in (telephone.at(NOW), made[0]):
        with pytest.raises(TooMany):
            codes.check(id, right)


def test_to_confirm_takes_the_password_and_the_code_where_there_is_one() -> None:
    id = owner()
    confirming.confirm(id, PASSWORD)
    with pytest.raises(Unauthenticated, match="password"):
        confirming.confirm(id, "wrong", None)
    second_factor.begin(id, PASSWORD)
    confirming.confirm(id, PASSWORD, None)
    telephone = pyotp.TOTP(str(codes.secret(SecondFactor.get())))
    second_factor.turn_on(id, telephone.at(NOW, counter_offset=-1))
    for code in (None, "", "000000"):
        with pytest.raises(Unauthenticated):
            confirming.confirm(id, PASSWORD, code)
    code = telephone.at(NOW)
    with pytest.raises(Unauthenticated, match="password"):
        confirming.confirm(id, "wrong", code)
    confirming.confirm(id, PASSWORD, code)


def test_ten_wrong_passwords_end_confirming_for_a_while() -> None:
    id = owner()
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            confirming.confirm(id, "wrong")
    with pytest.raises(TooMany):
        confirming.confirm(id, PASSWORD)


def test_the_second_step_is_for_who_did_the_first() -> None:
    id, telephone, _ = on()
    token, code = second_factor.first_step(id), telephone.at(NOW)
    with pytest.raises(NotFound):
        second_factor.second_step(None, code)
    with pytest.raises(Invalid):
        second_factor.second_step(token, "")
    assert second_factor.second_step(token, code).account == id
    with pytest.raises(NotFound):
        second_factor.second_step(token, telephone.at(NOW, counter_offset=1))


def test_off_it_needs_password_and_code_and_forgets_all() -> None:
    id, telephone, _ = on()
    with pytest.raises(Unauthenticated):
        second_factor.turn_off(id, PASSWORD, "000000")
    second_factor.turn_off(id, PASSWORD, telephone.at(NOW))
    assert not second_factor.is_on(id)
    assert SecondFactor.select().count() == RecoveryCode.select().count() == 0


def test_a_program_signs_in_with_a_code_too() -> None:
    _, telephone, _ = on()
    for wrong in (None, "000000"):
        with pytest.raises(Unauthenticated):
            tokens.sign_in("demo@example.org", PASSWORD, wrong, "192.0.2.7")
    assert tokens.sign_in("demo@example.org", PASSWORD, telephone.at(NOW), "192.0.2.7")["secret"]


def test_a_secret_is_kept_encrypted_and_opens_for_its_owner_alone() -> None:
    id, telephone, _ = on()
    kept = SecondFactor.get().secret
    assert telephone.secret not in kept
    other = owner("other@example.org")
    with database.transaction():
        rows.put(other, kept, NOW)
        rows.turn_on(other)
    with pytest.raises(Unauthenticated, match="recovery code"):
        codes.check(other, telephone.at(NOW))
    codes.check(id, telephone.at(NOW))


def test_after_another_secret_key_a_recovery_code_or_an_operator_helps(
    monkeypatch: pytest.MonkeyPatch, service: Any
) -> None:
    id, telephone, made = on()
    monkeypatch.setenv("CELLAR_SECRET_KEY", "another-one-0123456789abcdef0123456789")
    service()
    with pytest.raises(Unauthenticated, match="recovery code, or ask whoever runs this place"):
        codes.check(id, telephone.at(NOW))
    codes.check(id, made[0])
    second_factor.take_off("operator:root", OWNER)
    assert not second_factor.is_on(id)
    assert second_factor.told(id)["codes_left"] == 0
    assert mails.Mail.get().recipient == OWNER
    with pytest.raises(Conflict):
        second_factor.take_off("operator:root", OWNER)
    second_factor.begin(id, PASSWORD)
    assert second_factor.pending(id)


def test_a_factor_that_came_on_while_another_was_begun_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    id, telephone = pending()
    real = confirming.confirm

    def slowly(*given: Any) -> None:
        real(*given)
        second_factor.turn_on(id, telephone.at(NOW))

    monkeypatch.setattr(confirming, "confirm", slowly)
    with pytest.raises(Conflict, match="on already"):
        second_factor.begin(id, PASSWORD)
    assert second_factor.is_on(id)


def test_a_key_that_was_made_while_another_was_proven_is_not_turned_on(monkeypatch: pytest.MonkeyPatch) -> None:
    id, telephone = pending()
    real = codes.check

    def slowly(*given: Any) -> None:
        real(*given)
        second_factor.begin(id, PASSWORD)

    monkeypatch.setattr(codes, "check", slowly)
    with pytest.raises(Conflict, match="Another tab"):
        second_factor.turn_on(id, telephone.at(NOW))
    assert not second_factor.is_on(id), "no telephone has the new key"
