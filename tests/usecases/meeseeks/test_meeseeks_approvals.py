"""Jobs that wait for others' approval, in which each person has one vote; and all that a job can wait for, in turn."""

from dataclasses import replace

import pytest
from chatting import (
    BEN,
    CLEO,
    DORA,
    NOW,
    ROLES,
    ZOE,
    ask,
    chat,
    claim_all,
    keep,
    link,
    said,
    scene,
    state,
    still,
    telephone,
)
from pouring import owner

from pillar_service.core.errors import Conflict, Forbidden
from pillar_service.core.meeseeks.roles import Role
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.meeseeks import challenges as rows
from pillar_service.usecases.meeseeks import challenges, looking, people
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.people import accounts

pytestmark = pytest.mark.usefixtures("service", "_scene")
ROOT = Asker("operator:root")


@pytest.fixture
def _scene(service: object, monkeypatch: pytest.MonkeyPatch) -> None:
    still(monkeypatch)
    scene()


def test_it_takes_as_many_yeses_of_a_role_as_the_command_says() -> None:
    job = ask("deploy")
    assert challenges.vote(chat(BEN), job["id"], True) == {"is_met": False, "is_refused": False, "yes": 1, "needed": 2}
    assert state(job) == "asked"
    with pytest.raises(Conflict, match="already"):
        challenges.vote(chat(BEN), job["id"], True)
    assert state(job) == "asked"
    assert challenges.vote(chat(CLEO), job["id"], True)["is_met"]
    assert state(job) == "queued"
    with pytest.raises(Conflict):
        challenges.vote(chat(DORA), job["id"], False)
    assert len(said("meeseeks.vote")) == 2


def test_nobody_approves_their_own_under_whatever_name() -> None:
    keep(roles=[*ROLES, Role("more", frozenset({"T01/U02"}), (), ROLES[0].grants)])
    own = ask("deploy", BEN)
    with pytest.raises(Forbidden, match="asked for yourself"):
        challenges.vote(chat(BEN), own["id"], True)
    account = owner("ann@example.org")
    link(BEN, account)
    link(CLEO, account)
    with pytest.raises(Forbidden, match="asked for yourself"):
        challenges.vote(chat(CLEO), own["id"], True)
    with pytest.raises(Forbidden, match="asked for yourself"):
        challenges.vote(Asker(f"account:{account}", chat(BEN).caller), own["id"], True)
    assert challenges.waiting(own["id"])["yes"] == []  # type: ignore[index]


def test_one_person_with_two_chat_users_has_one_voice() -> None:
    job, account = ask("deploy"), owner("ben@example.org")
    link(BEN, account)
    link(CLEO, account)
    challenges.vote(chat(BEN), job["id"], True)
    with pytest.raises(Conflict, match="already"):
        challenges.vote(chat(CLEO), job["id"], True)
    assert state(job) == "asked"


def test_who_asked_stays_who_they_were_whatever_they_unlink() -> None:
    keep(roles=[*ROLES, Role("more", frozenset({"T01/U02"}), (), ROLES[0].grants)])
    account = owner("ben@example.org")
    link(BEN, account)
    link(CLEO, account)
    own = ask("deploy", BEN)
    people.unlink(account, "T01", CLEO)
    with pytest.raises(Forbidden, match="asked for yourself"):
        challenges.vote(chat(CLEO), own["id"], True)
    people.unlink(account, "T01", BEN)
    link(CLEO, account)
    link(DORA, account)
    for other in (CLEO, DORA):
        with pytest.raises(Forbidden, match="asked for yourself"):
            challenges.vote(chat(other), own["id"], True)
    assert state(own) == "asked"


def test_who_was_nobody_when_they_asked_approves_nothing_as_who_they_became() -> None:
    keep(roles=[*ROLES, Role("more", frozenset({"T01/U02"}), (), ROLES[0].grants)])
    own, account = ask("deploy", BEN), owner("ben@example.org")
    link(BEN, account)
    link(CLEO, account)
    with pytest.raises(Forbidden, match="asked for yourself"):
        challenges.vote(chat(CLEO), own["id"], True)


def test_a_voter_who_unlinks_or_links_has_no_second_voice() -> None:
    job, account = ask("deploy"), owner("ben@example.org")
    link(BEN, account)
    link(CLEO, account)
    challenges.vote(chat(BEN), job["id"], True)
    people.unlink(account, "T01", BEN)
    with pytest.raises(Conflict, match="already"):
        challenges.vote(chat(CLEO), job["id"], True)
    people.unlink(account, "T01", CLEO)
    with pytest.raises(Conflict, match="already"):
        challenges.vote(chat(CLEO), job["id"], True)
    assert state(job) == "asked"
    challenges.vote(chat(DORA), job["id"], True)
    assert state(job) == "queued"


def test_only_the_role_approves_and_a_suspended_one_does_not() -> None:
    job = ask("deploy")
    for other in (chat(ZOE), chat(BEN, team="T02")):
        with pytest.raises(Forbidden, match="role approver"):
            challenges.vote(other, job["id"], True)
    link(BEN, owner("ben@example.org"))
    accounts.set_state("test", "ben@example.org", "suspended")
    with pytest.raises(Forbidden, match="role approver"):
        challenges.vote(chat(BEN), job["id"], True)


@pytest.mark.parametrize("how", ["role", "suspended"])
def test_a_yes_of_who_may_not_approve_any_more_is_none(how: str) -> None:
    job = ask("deploy")
    link(BEN, owner("ben@example.org"))
    challenges.vote(chat(BEN), job["id"], True)
    if how == "role":
        keep(roles=[replace(one, users=one.users - {"T01/U02"}) for one in ROLES])
    else:
        accounts.set_state("test", "ben@example.org", "suspended")
    assert challenges.waiting(job["id"])["yes"] == []  # type: ignore[index]
    assert challenges.vote(chat(CLEO), job["id"], True) == {"is_met": False, "is_refused": False, "yes": 1, "needed": 2}
    assert state(job) == "asked"
    assert challenges.vote(ROOT, job["id"], True)["is_met"]


def test_one_no_ends_it() -> None:
    job = ask("deploy")
    challenges.vote(chat(BEN), job["id"], True)
    assert challenges.vote(chat(CLEO), job["id"], False)["is_refused"]
    assert state(job) == "cancelled"
    assert "did not approve" in looking.show(chat(), job["id"])["job"]["error"]
    with pytest.raises(Conflict):
        challenges.vote(chat(DORA), job["id"], True)


def test_an_approval_that_comes_late_is_none_and_one_in_time_leaves_time_to_run() -> None:
    late, slow = ask("deploy"), ask("deploy")
    with database.transaction():
        rows.Challenge.update(expires_at=1.0).where(rows.Challenge.job == late["id"]).execute()
        jobs.change(slow["id"], deadline_at=1.0)
    with pytest.raises(Conflict):
        challenges.vote(chat(BEN), late["id"], True)
    for id in (BEN, CLEO):
        challenges.vote(chat(id), slow["id"], True)
    assert [run["jobs"] for run in claim_all()] == [[slow["id"]]]
    assert (state(late), state(slow)) == ("timed_out", "running")


def test_all_three_come_one_after_the_other() -> None:
    shown = telephone()
    job = ask("whole")
    for early in (
        lambda: challenges.code(chat(), job["id"], shown.at(NOW)),
        lambda: challenges.vote(chat(BEN), job["id"], True),
    ):
        with pytest.raises(Conflict):
            early()
    challenges.confirm(chat(), job["id"], True)
    challenges.code(chat(), job["id"], shown.at(NOW))
    assert state(job) == "asked"
    challenges.vote(chat(BEN), job["id"], True)
    assert state(job) == "queued"
