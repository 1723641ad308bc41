"""Jobs that wait for a yes or for a code."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from chatting import (
    ANN,
    BEN,
    CLEO,
    COMMANDS,
    NOW,
    ROLES,
    ask,
    chat,
    claim_all,
    everything,
    keep,
    later,
    link,
    said,
    scene,
    state,
    still,
    telephone,
)
from pouring import owner

from pillar_service.core.errors import Conflict, Forbidden, NotFound, SaltcellarError, TooMany, Unauthenticated
from pillar_service.core.meeseeks.roles import Role
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.meeseeks import challenges as rows
from pillar_service.usecases.jobs import claims
from pillar_service.usecases.meeseeks import asking, challenges, looking, stopping
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.people import accounts, codes, second_factor

pytestmark = pytest.mark.usefixtures("service", "_scene")
ROOT = Asker("operator:root")


@pytest.fixture
def _scene(service: object, monkeypatch: pytest.MonkeyPatch) -> None:
    still(monkeypatch)
    scene()


def test_a_job_waits_for_its_yes_and_runs_then() -> None:
    job = ask("sure")
    assert (job["state"], claim_all()) == ("asked", [])
    waits = challenges.waiting(job["id"])
    assert waits is not None
    assert (waits["kind"], waits["yes"]) == ("confirm", [])
    challenges.confirm(chat(), job["id"], True)
    assert state(job) == "queued"
    assert sorted(run["node"] for run in claim_all()) == ["cellar-1", "cellar-2"]
    with pytest.raises(Conflict, match="settled"):
        challenges.confirm(chat(), job["id"], True)
    assert [(row.actor, row.detail) for row in said("meeseeks.confirm")] == [("chat:T01/U01", "met")]


def test_a_no_or_no_answer_ends_it() -> None:
    no, silent = ask("sure"), ask("sure")
    challenges.confirm(chat(), no["id"], False)
    later()
    with pytest.raises(Conflict):
        challenges.confirm(chat(), silent["id"], True)
    assert state(silent) == "asked"
    claims.claim("salt")  # This takes the lease.
    assert claims.is_claimable("salt") is False
    assert [state(job) for job in (no, silent)] == ["cancelled", "timed_out"]
    assert looking.show(chat(), silent["id"])["job"]["error"] == "Nobody said yes in time."


def test_a_no_in_place_of_a_code_ends_it() -> None:
    job, other = ask("coded"), ask("deploy")
    with pytest.raises(Forbidden, match="not yours"):
        challenges.confirm(chat(BEN), job["id"], False)
    challenges.confirm(chat(), job["id"], False)
    with pytest.raises(Conflict, match="settled"):
        challenges.confirm(chat(), other["id"], False)
    assert (state(job), state(other)) == ("cancelled", "asked")
    assert [row.detail for row in said("meeseeks.otp")] == ["refused"]


def test_a_yes_is_no_code() -> None:
    job = ask("coded")
    with pytest.raises(Conflict, match="settled"):
        challenges.confirm(chat(), job["id"], True)
    assert state(job) == "asked"


def test_what_takes_a_governor_and_never_came_to_a_node_ends_all_the_same() -> None:
    sure = next(one for one in COMMANDS if one.name == "sure")
    keep([replace(sure, governor="restarts")])
    no, silent, queued = ask("sure"), ask("sure"), ask("sure")
    challenges.confirm(chat(), no["id"], False)
    challenges.confirm(chat(), queued["id"], True)
    stopping.cancel(chat(), queued["id"])
    later()
    assert claims.claim("salt")["runs"] == []
    assert [state(job) for job in (no, silent, queued)] == ["cancelled", "timed_out", "cancelled"]


def test_masters_are_woken_by_a_challenge_whose_time_is_over() -> None:
    claims.claim("salt")
    ask("sure")
    assert not claims.is_claimable("salt")
    later()
    assert claims.is_claimable("salt")


def test_only_who_asked_says_yes() -> None:
    job = ask("sure")
    for other in (chat(BEN), chat(ANN, team="T02"), ROOT):
        with pytest.raises(Forbidden, match="not yours"):
            challenges.confirm(other, job["id"], True)
    with pytest.raises(NotFound):
        challenges.confirm(chat(), "f" * 16, True)
    assert state(job) == "asked"


def test_who_was_suspended_since_runs_nothing() -> None:
    link(ANN, owner("ann@example.org"))
    job, other = ask("sure"), ask("deploy")
    accounts.set_state("test", "ann@example.org", "suspended")
    with pytest.raises(Forbidden, match="suspended"):
        challenges.confirm(chat(), job["id"], True)
    with pytest.raises(Forbidden, match="suspended"):
        challenges.vote(chat(BEN), other["id"], True)


def test_a_job_that_was_changed_since_is_not_what_was_agreed_to() -> None:
    for changed in ({"actor": "chat:T01/U02"}, {"fingerprint": "x"}, {"plan": {"nodes": ["cellar-3"], "steps": []}}):
        job = ask("sure")
        jobs.change(job["id"], **changed)
        with pytest.raises(Conflict, match="not what was asked for"):
            challenges.confirm(chat(BEN) if "actor" in changed else chat(), job["id"], True)
        assert state(job) == "asked"


def test_a_cancelled_job_waits_for_nothing() -> None:
    job = ask("sure")
    stopping.cancel(chat(), job["id"])
    assert challenges.waiting(job["id"]) is None
    with pytest.raises(Conflict):
        challenges.confirm(chat(), job["id"], True)
    later()
    claim_all()
    assert state(job) == "cancelled"


def test_what_waited_a_day_for_its_answers_runs_then() -> None:
    job = ask("deploy")
    with database.transaction():
        jobs.change(job["id"], created_at=NOW - 25 * 3600)
    for voter in (BEN, CLEO):
        challenges.vote(chat(voter), job["id"], True)
    assert [run["jobs"] for run in claim_all()] == [[job["id"]]]


def test_operators_at_the_master_are_asked_for_nothing() -> None:
    job = asking.ask(ROOT, asking.wish(ROOT, "whole", {}))["job"]
    assert job["state"] == "queued"


def test_the_code_of_who_asked_lets_it_run() -> None:
    shown = telephone()
    job = ask("coded")
    with pytest.raises(Unauthenticated):
        challenges.code(chat(), job["id"], "000000")
    challenges.code(chat(), job["id"], shown.at(NOW))
    assert state(job) == "queued"
    assert [row.detail for row in said("meeseeks.otp")] == ["wrong", "met"]
    assert shown.at(NOW) not in everything()


def test_a_hundred_at_once_with_one_right_code_are_one() -> None:
    shown = telephone()
    job, code, start = ask("coded"), shown.at(NOW), threading.Event()

    def enter() -> str:
        start.wait()
        try:
            challenges.code(chat(), job["id"], code)
            return "passed"
        except SaltcellarError as error:
            return type(error).__name__
        finally:
            database.release()

    at_once = 100 if database.on_sqlite() else 40  # PostgreSQL has a limited number of connections.
    with ThreadPoolExecutor(at_once) as pool:
        told = [pool.submit(enter) for _ in range(100)]
        start.set()
        came = Counter(one.result() for one in told)
    assert (came.pop("passed"), came.total()) == (1, 99)
    assert set(came) <= {"Unauthenticated", "TooMany", "Conflict"}
    assert state(job) == "queued"
    assert [row.detail for row in said("meeseeks.otp")].count("met") == 1


def test_one_code_is_good_for_one_job() -> None:
    shown = telephone()
    first, second = ask("coded"), ask("coded text=other")
    challenges.code(chat(), first["id"], shown.at(NOW))
    with pytest.raises(Unauthenticated, match="used already"):
        challenges.code(chat(), second["id"], shown.at(NOW))
    with pytest.raises(Conflict):
        challenges.code(chat(), first["id"], shown.at(NOW, counter_offset=1))
    assert (state(first), state(second)) == ("queued", "asked")


@pytest.mark.parametrize("minutes", [-10, -2, 2, 10])
def test_a_telephone_whose_clock_is_wrong_does_not_pass(minutes: int) -> None:
    shown = telephone()
    job = ask("coded")
    with pytest.raises(Unauthenticated):
        challenges.code(chat(), job["id"], shown.at(NOW + minutes * 60))
    assert state(job) == "asked"


def test_guessing_locks_even_the_right_code_out_and_stands_in_the_audit() -> None:
    shown = telephone()
    job = ask("coded")
    for guess in range(10):
        with pytest.raises(Unauthenticated):
            challenges.code(chat(), job["id"], f"{guess:06}")
    with pytest.raises(TooMany):
        challenges.code(chat(), job["id"], shown.at(NOW))
    assert state(job) == "asked"
    assert [row.detail for row in said("meeseeks.otp")] == ["wrong"] * 10 + ["locked"]


def test_a_code_comes_within_ninety_seconds() -> None:
    shown = telephone()
    job = ask("coded")
    row = rows.open_of(job["id"])
    assert row is not None
    assert row.expires_at - row.created_at == 90
    later()
    with pytest.raises(Conflict):
        challenges.code(chat(), job["id"], shown.at(NOW))
    challenges.expire(NOW)
    assert state(job) == "timed_out"
    codes.check(str(people_of(ANN)), shown.at(NOW))  # It was not used up.


def people_of(id: str) -> str | None:
    from pillar_service.store.chat import chat_people

    return chat_people.account("T01", id)


def test_anothers_code_or_anothers_job_does_not_pass() -> None:
    ann, ben = telephone(), telephone(BEN, "ben@example.org")
    keep(roles=[*ROLES, Role("more", frozenset({"T01/U02"}), (), ROLES[0].grants)])
    mine, theirs = ask("coded"), ask("coded", BEN)
    with pytest.raises(Unauthenticated):
        challenges.code(chat(), mine["id"], ben.at(NOW))
    with pytest.raises(Forbidden):
        challenges.code(chat(), theirs["id"], ann.at(NOW))
    challenges.code(chat(BEN), theirs["id"], ben.at(NOW))
    assert (state(mine), state(theirs)) == ("asked", "queued")


def test_without_an_account_or_a_second_factor_it_is_said_what_to_do() -> None:
    job = ask("coded")
    with pytest.raises(Forbidden, match="2fa enrol"):
        challenges.code(chat(), job["id"], "123456")
    account = owner("ann@example.org")
    link(ANN, account)
    with pytest.raises(Forbidden, match="no second factor"):
        challenges.code(chat(), job["id"], "123456")
    second_factor.begin(account, "long enough 1")  # begun, but not turned on
    with pytest.raises(Forbidden, match="no second factor"):
        challenges.code(chat(), job["id"], "123456")
