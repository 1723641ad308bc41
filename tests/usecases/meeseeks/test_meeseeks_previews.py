"""Nobody can answer before the preview is there, and the time for answers starts then."""

import time
from dataclasses import replace
from typing import Any

import pytest
from chatting import COMMANDS, NOW, begin, chat, claim_all, finish, keep, scene, state, still, telephone

from pillar_service.core.meeseeks.catalogue import Approval, Requires
from pillar_service.core.meeseeks.challenges import CONFIRM_S, OTP_S
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.meeseeks import challenges as rows
from pillar_service.usecases.jobs import claims
from pillar_service.usecases.meeseeks import asking, challenges, stopping

pytestmark = pytest.mark.usefixtures("service", "_scene")
YES = Requires(confirm=True)


@pytest.fixture
def _scene(service: object, monkeypatch: pytest.MonkeyPatch) -> None:
    still(monkeypatch)
    scene()


def shown(requires: Requires = YES, line: str = "fell hi -l disk=ssd") -> tuple[Any, Any]:
    """A waiting job, and the job of its preview."""
    keep(replace(one, requires=requires) if one.name == "fell" else one for one in COMMANDS)
    job, preview = asking.ask_shown(chat(), asking.read(chat(), line), "event-1")
    assert preview is not None
    return job, preview


def left(job: dict[str, Any]) -> float:
    """For how many more seconds a job waits for answers."""
    waits = challenges.waiting(job["id"])
    assert waits is not None
    return float(waits["expires_at"]) - time.time()


def pass_by(job: dict[str, Any], seconds: float) -> None:
    """Let time pass for a job's challenges."""
    with database.transaction():
        rows.Challenge.update(expires_at=rows.Challenge.expires_at - seconds).where(
            rows.Challenge.job == job["id"]
        ).execute()


def is_about(told: float, wanted: float) -> bool:
    return abs(told - wanted) < 30


@pytest.mark.parametrize(
    ("requires", "seconds"),
    [
        (Requires(confirm=True), CONFIRM_S), (Requires(otp=True), OTP_S), (Requires(True, True), CONFIRM_S),
        (Requires(approval=Approval("approver", 1, 7)), 420),
    ],
)  # fmt: skip
def test_the_time_for_the_first_answer_begins_when_the_preview_is_there(requires: Requires, seconds: int) -> None:
    job, _ = shown(requires)
    [run] = claim_all()
    pass_by(job, 3000)
    claims.claim("salt")
    assert state(job) == "asked"
    begin(run)
    finish(run)
    assert is_about(left(job), seconds)
    pass_by(job, seconds + 60)
    claims.claim("salt")
    assert state(job) == "timed_out"


def test_a_code_that_comes_after_a_long_preview_lets_it_run() -> None:
    shows = telephone()
    job, _ = shown(Requires(otp=True))
    [run] = claim_all()
    begin(run)
    pass_by(job, OTP_S + 60)
    finish(run)
    challenges.code(chat(), job["id"], shows.at(NOW))
    assert state(job) == "queued"


def test_a_preview_on_several_nodes_is_there_when_the_last_has_told() -> None:
    job, _ = shown(line="fell hi")
    first, last = claim_all()
    for run in (first, last):
        begin(run)
    finish(first)
    assert left(job) > 2 * CONFIRM_S
    finish(last)
    assert is_about(left(job), CONFIRM_S)


@pytest.mark.parametrize("how", ["late", "cancelled", "failed"])
def test_a_preview_that_never_comes_leaves_time_to_answer_without(how: str) -> None:
    job, preview = shown()
    if how == "late":
        jobs_late(preview)
        claims.claim("salt")
    elif how == "cancelled":
        stopping.cancel(chat(), preview["id"])
    else:
        [run] = claim_all()
        begin(run)
        finish(run, "failed", 3)
    assert (state(job), is_about(left(job), CONFIRM_S)) == ("asked", True)


def jobs_late(preview: dict[str, Any]) -> None:
    with database.transaction():
        jobs.change(preview["id"], deadline_at=1.0)


def test_it_is_not_waited_for_longer_than_the_preview_may_take_and_no_master_is_woken() -> None:
    job, _ = shown()
    claim_all()
    assert is_about(left(job), settings().chat_deadline_s + 60 + CONFIRM_S)
    assert not claims.is_claimable("salt")
    pass_by(job, settings().chat_deadline_s + 60 + CONFIRM_S + 60)
    claims.claim("salt")
    assert state(job) == "timed_out"


def test_the_same_event_again_gives_no_more_time() -> None:
    job, _ = shown()
    [run] = claim_all()
    begin(run)
    finish(run)
    pass_by(job, 300)
    again, _ = asking.ask_shown(chat(), asking.read(chat(), "fell hi -l disk=ssd"), "event-1")
    assert again["id"] == job["id"]
    assert is_about(left(job), CONFIRM_S - 300)


def test_only_the_first_answer_waits_for_the_preview() -> None:
    job, _ = shown(Requires(True, True))
    [run] = claim_all()
    begin(run)
    challenges.confirm(chat(), job["id"], True)
    finish(run)
    assert is_about(left(job), OTP_S)
    pass_by(job, OTP_S + 60)
    claims.claim("salt")
    assert state(job) == "timed_out"
