import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from days import ahead

from pillar_service.core.people import mails as rules
from pillar_service.core.people.mails import Letter
from pillar_service.store import database
from pillar_service.store.database import transaction
from pillar_service.store.people.mails import Mail
from pillar_service.usecases.people import mails

LETTER = Letter("Hello", "Your link: https://cellar.test/reset/secret\n")
ANN = "ann@example.org"


@pytest.fixture(autouse=True)
def _mailed(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CELLAR_MAIL", f"file://{tmp_path}/mailbox")
    service()


def post(**more: bool) -> None:
    with transaction():
        mails.post(ANN, LETTER, **more)


def soon() -> None:
    """Let the pause before the next try pass."""
    Mail.update(not_before=0).execute()


def test_a_mail_is_there_only_if_what_it_is_about_is() -> None:
    def half() -> None:
        with transaction():
            mails.post(ANN, LETTER)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert mails.claim() is None


def test_what_could_not_be_delivered_while_the_clock_was_ahead_goes_once_it_is_right() -> None:
    with ahead(365 * 86_400):
        post()
        first = mails.claim()
        assert first is not None
        mails.failed(first, "certificate has expired")
        assert mails.claim() is None
    again = mails.claim()
    assert again is not None
    assert again.attempts == 2
    assert mails.claim() is None, "it is theirs who claimed it"


def test_a_claimed_mail_is_nobody_elses_until_its_deliverer_must_be_dead() -> None:
    post()
    ours = mails.claim()
    assert ours is not None
    assert mails.claim() is None
    [row] = Mail.select()
    assert row.not_before == pytest.approx(time.time() + rules.CLAIMED_S, abs=5)
    soon()
    theirs = mails.claim()
    assert theirs is not None
    mails.failed(ours, "late", is_permanent=True)  # The slower one's outcome does not count.
    mails.sent(theirs)
    [row] = Mail.select()
    assert (row.state, row.text, row.error) == ("sent", "", None)


def test_a_failed_mail_waits_longer_each_time_and_is_given_up_after_a_day() -> None:
    post()
    pauses = []
    for _ in range(4):
        mail = mails.claim()
        assert mail is not None
        mails.failed(mail, "refused")
        [row] = Mail.select()
        pauses.append(round(row.not_before - time.time()))
        soon()
    assert pauses == [10, 20, 40, 80]
    assert rules.pause_s(500) == rules.LONGEST_PAUSE_S
    Mail.update(created_at=Mail.created_at - rules.TRY_FOR_S, attempts=rules.LEAST_TRIES - 1).execute()
    mail = mails.claim()
    assert mail is not None
    mails.failed(mail, "still refused")
    [row] = Mail.select()
    assert (row.state, row.error, row.text) == ("given_up", "still refused", "")
    soon()
    assert mails.claim() is None


def test_a_mail_from_before_the_place_was_away_for_days_is_not_given_up_at_the_first_failure() -> None:
    post()
    Mail.update(created_at=Mail.created_at - 3 * rules.TRY_FOR_S).execute()
    mail = mails.claim()
    assert mail is not None
    mails.failed(mail, "Temporary failure in name resolution")
    [row] = Mail.select()
    assert (row.state, bool(row.text)) == ("queued", True)


def test_void_mail_and_mail_of_a_place_without_mail_go_nowhere(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    post(is_void=True)
    monkeypatch.setenv("CELLAR_MAIL", "")
    service()
    post()
    assert mails.claim() is None
    assert {(row.state, row.error) for row in Mail.select()} == {("void", None), ("given_up", mails.NO_MAIL)}


def _race(url: str, start: object, told: "multiprocessing.Queue[list[str]]") -> None:
    database.connect(url)
    start.wait()  # type: ignore[attr-defined]
    mine = []
    while True:
        mail = mails.claim()
        if mail is not None:
            mine.append(mail.id)
            mails.sent(mail)
        elif not Mail.select().where(Mail.state == "queued").exists():
            break
    told.put(mine)


def test_two_deliverers_that_race_take_each_mail_once(url: str) -> None:
    with transaction():
        for _ in range(30):
            mails.post(ANN, LETTER)
    ids = {row.id for row in Mail.select()}
    database.release()
    fork = multiprocessing.get_context("fork")
    start, told = fork.Event(), fork.Queue()
    both = [fork.Process(target=_race, args=(url, start, told)) for _ in range(2)]
    for process in both:
        process.start()
    start.set()
    taken = [told.get(timeout=60) for _ in both]
    for process in both:
        process.join()
    assert sorted(taken[0] + taken[1]) == sorted(ids)
