import itertools

import pytest

from pillar_service.core.errors import Conflict
from pillar_service.core.jobs.jobs import (
    MAX_ATTEMPTS,
    NEXT,
    OPEN,
    OVER,
    JobState,
    Reason,
    after_failure,
    require_cancellable,
    step,
)


@pytest.mark.parametrize(("now", "to"), list(itertools.product(JobState, JobState)))
def test_a_job_goes_only_where_the_drawing_says(now: JobState, to: JobState) -> None:
    if to in NEXT[now]:
        assert step(now, to) is to
    else:
        said = f"The job is already {now}" if now is to else f"A job that is {now} can't become {to}"
        with pytest.raises(Conflict, match=said):
            step(now, to)


def test_what_is_over_stays_over_and_everything_open_can_end() -> None:
    assert all(not NEXT[state] for state in OVER)
    assert all(NEXT[state] & OVER for state in OPEN)


def test_a_running_job_is_never_cancelled() -> None:
    assert JobState.CANCELLED not in NEXT[JobState.RUNNING]
    with pytest.raises(Conflict, match="is running"):
        require_cancellable(JobState.RUNNING)


def test_a_job_that_is_over_has_nothing_to_cancel() -> None:
    for state in OVER:
        with pytest.raises(Conflict, match=f"is over .{state}.: there is nothing left to cancel"):
            require_cancellable(state)
    for state in OPEN - {JobState.RUNNING}:
        require_cancellable(state)


@pytest.mark.parametrize("reason", list(Reason))
def test_what_may_have_run_is_repeated_only_where_that_is_safe(reason: Reason) -> None:
    unsafe = after_failure(reason, retry_safe=False, attempts=1)
    assert (unsafe is JobState.QUEUED) == (reason in (Reason.NOT_PUBLISHED, Reason.NOT_BEGUN))
    assert after_failure(reason, retry_safe=True, attempts=1) is JobState.QUEUED
    assert after_failure(reason, retry_safe=True, attempts=MAX_ATTEMPTS) in OVER


def test_each_reason_ends_in_its_own_state() -> None:
    ends = {reason: after_failure(reason, False, MAX_ATTEMPTS) for reason in Reason}
    assert ends == {
        Reason.NOT_PUBLISHED: JobState.FAILED,
        Reason.NO_RETURN: JobState.TIMED_OUT,
        Reason.NODE_AWAY: JobState.FAILED,
        Reason.NOT_RUNNING: JobState.LOST,
        Reason.OLD_PILLAR: JobState.FAILED,
        Reason.NOT_BEGUN: JobState.FAILED,
    }
