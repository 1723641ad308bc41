"""Whatever is older than the settings allow is deleted, in small batches, and nothing else."""

import time
from collections.abc import Callable

import pytest
from eventful import alive, told
from pouring import bot, carry_out, owner

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict
from pillar_service.store.chat import conversations as rows
from pillar_service.store.chat.outgoing import Outgoing
from pillar_service.store.database import transaction
from pillar_service.store.events import events, forgotten
from pillar_service.store.events.events import Event
from pillar_service.store.jobs import jobs, outputs, runs
from pillar_service.store.nodes import standings
from pillar_service.store.service import audit
from pillar_service.usecases.chat import conversations
from pillar_service.usecases.events import events as cases
from pillar_service.usecases.nodes import presence
from pillar_service.usecases.service import auditing, retention

pytestmark = pytest.mark.usefixtures("service")


def done(name: str, days: float) -> jobs.Job:
    """A job that ended so many days ago, with its run and three lines."""
    made = bot(name)["job"]["id"]
    carry_out()
    then = time.time() - days * DAY_S
    with transaction():
        for n in range(3):
            outputs.add_line(made, n + 1, str(n), "said", then)
        jobs.change(made, created_at=then, ended_at=then)
        found = jobs.find(made)
        assert found is not None
        runs.Run.update(created_at=then).where(runs.Run.id == found.run).execute()
    return found


def there(job: jobs.Job) -> tuple[bool, bool, int]:
    return jobs.find(job.id) is not None, runs.find(str(job.run)) is not None, len(outputs.lines(job.id))


def test_an_old_job_goes_with_its_lines_and_its_run_and_a_young_one_stays() -> None:
    owner()
    old, young = done("old", 366), done("young", 364)
    assert retention.forget("test") == {"jobs": 1, "lines": 3, "runs": 1, "audit": 0, "events": 0}
    assert (there(old), there(young)) == ((False, False, 0), (True, True, 3))
    assert retention.forget("test") == {"jobs": 0, "lines": 0, "runs": 0, "audit": 0, "events": 0}
    assert auditing.verify()["first_fault"] is None


def test_what_was_written_to_somebody_without_a_job_goes_when_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    owner()
    job = done("with-a-job", 10)
    for n, days in enumerate((400, 366, 364)):
        id = conversations.begin("T1", "C1", None, f"U{n}", "boring")
        conversations.end(id, {"text": "x"}, lambda: None)
        with transaction():
            rows.Conversation.update(ended_at=time.time() - days * DAY_S).where(rows.Conversation.id == id).execute()
    shown = conversations.begin("T1", "C1", None, "U9", "boring", job.id)
    with transaction():
        rows.Conversation.update(created_at=1.0, ended_at=1.0).where(rows.Conversation.id == shown).execute()
    monkeypatch.setattr(retention, "ROWS", 1)
    assert sum(retention.forget("test").values()) == 0
    assert {row.member for row in rows.Conversation.select()} == {"U2", "U9"}
    assert {row.conversation for row in Outgoing.select()} <= {row.id for row in rows.Conversation.select()}


def test_what_is_kept_for_ever_stays(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    owner()
    old = done("old", 5000)
    monkeypatch.setenv("CELLAR_KEEP_JOBS_DAYS", "0")
    service()
    assert sum(retention.forget("test").values()) == 0
    assert there(old) == (True, True, 3)


def test_many_go_in_batches_and_the_lines_first(monkeypatch: pytest.MonkeyPatch) -> None:
    owner()
    old = [done(f"old{n}", 400 + n) for n in range(5)]
    monkeypatch.setattr(retention, "JOBS", 2)
    monkeypatch.setattr(retention, "ROWS", 4)
    assert retention.forget("test", works_s=0)["jobs"] == 0
    assert retention.forget("test") == {"jobs": 5, "lines": 15, "runs": 5, "audit": 0, "events": 0}
    assert [there(job) for job in old] == [(False, False, 0)] * 5


def test_parts_go_with_their_whole_and_never_before() -> None:
    owner()
    part, whole = done("part", 400), done("whole", 10)
    with transaction():
        jobs.adopt(part.id, whole.id)
    assert retention.forget("test")["jobs"] == 0
    with transaction():
        jobs.change(whole.id, ended_at=time.time() - 400 * DAY_S)
        jobs.Job.update(state="running").where(jobs.Job.id == part.id).execute()
    assert retention.forget("test")["jobs"] == 0
    with transaction():
        jobs.Job.update(state="failed").where(jobs.Job.id == part.id).execute()
    assert retention.forget("test")["jobs"] == 2
    assert not there(part)[0]


def test_an_open_job_stays_whatever_its_age() -> None:
    owner()
    made = bot("my")["job"]["id"]
    with transaction():
        jobs.change(made, created_at=1.0)
    assert retention.forget("test")["jobs"] == 0


def jump_to(now: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: now)


def test_a_clock_that_jumps_ahead_takes_nothing_until_somebody_could_put_it_right(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    owner()
    job, now = done("young", 10), time.time()
    cases.take("cellar-1", [told(1)])
    presence.listening(now)
    jump_to(now + 400 * DAY_S, monkeypatch)
    for _ in range(2):
        with pytest.raises(Conflict, match="400 days"):
            retention.forget("test")
    assert (there(job), kept()) == ((True, True, 3), [1])
    assert [row.action for row in audit.about("service")] == ["clock.ahead"]
    assert "400 days passed at once" in caplog.text, "who watches the log is told"
    jump_to(now + 60, monkeypatch)
    assert sum(retention.forget("test").values()) == 0, "it is right again"
    assert there(job) == (True, True, 3)


def test_a_place_that_was_away_for_long_goes_on_after_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    owner()
    done("old", 360)
    now = time.time()
    for days in (0, 2.9, 5.8):
        jump_to(now + days * DAY_S, monkeypatch)
        assert retention.forget("test")["jobs"] == int(days > 5), "a weekend is nothing out of the way"
    done("older", 360)
    presence.look(now + 20 * DAY_S)
    for days in range(20, 27):
        jump_to(now + days * DAY_S, monkeypatch)
        with pytest.raises(Conflict):
            retention.forget("test")
    jump_to(now + 27.1 * DAY_S, monkeypatch)
    assert retention.forget("test")["jobs"] == 1


def test_the_audit_goes_only_when_asked_for_and_its_chain_holds(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    rows = auditing.verify()["rows"]
    with transaction():
        for n in range(3):
            auditing.record("a", "b", "c", now, f"young {n}")
    assert retention.forget("test")["audit"] == 0
    monkeypatch.setenv("CELLAR_KEEP_AUDIT_DAYS", "1")
    service()
    jump_to(now + 2 * DAY_S, monkeypatch)
    assert retention.forget("test")["audit"] == rows + 3
    told = auditing.verify()
    assert (told["rows"], told["first_fault"]) == (1, None)
    [left] = audit.after(0, 10)
    assert (left.action, left.n) == ("audit.cut", rows + 4)


def test_events_go_when_their_kind_is_old(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    cases.take("cellar-1", [told(1), alive(2), told(3), alive(4)])
    Event.update(received_at=time.time() - 40 * DAY_S).where(Event.sequence < 3).execute()
    assert retention.forget("test")["events"] == 0
    monkeypatch.setenv("CELLAR_KEEP_EVENTS_DAYS", "submission=30 lifecycle=0")
    service()
    monkeypatch.setattr(retention, "ROWS", 1)
    assert retention.forget("test")["events"] == 1
    assert [one.sequence for one in events.story("cellar-1", None, 10)] == [4, 3, 2]


def gone(*sequences: int) -> None:
    """Make these events of cellar-1 too old, and let retention delete them."""
    Event.update(received_at=0.0).where(Event.sequence << sequences).execute()
    assert retention.forget("test")["events"] == len(sequences)


def kept() -> list[int]:
    return sorted(one.sequence for one in events.story("cellar-1", None, 100))


def test_an_event_that_was_forgotten_is_answered_and_never_kept_again() -> None:
    cases.take("cellar-1", [told(1), told(2), told(3)])
    gone(1, 2)
    before = standings.find("cellar-1").heard_at
    again = cases.take("cellar-1", [told(1), told(2), told(3)])
    assert again == {"accepted": ["cellar-1/1/1", "cellar-1/1/2", "cellar-1/1/3"], "refused": []}
    assert (kept(), standings.find("cellar-1").heard_at) == ([3], before)
    [epoch] = events.epochs(["cellar-1"])
    assert (epoch.highest, epoch.taken) == (3, 3)


def test_what_comes_late_is_kept_though_higher_ones_of_other_streams_and_epochs_are_forgotten() -> None:
    cases.take("cellar-1", [told(5), told(9, epoch=2, stream="slow")])
    gone(5, 9)
    cases.take("cellar-1", [told(2, stream="slow"), told(6), told(4)])
    assert kept() == [2, 6]


def test_marks_of_what_was_forgotten_are_bounded_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgotten, "MOST", 2)
    for n in (1, 2, 3):
        cases.take("cellar-1", [told(n, stream=f"stream-{n}")])
        gone(n)
    assert sorted(forgotten.marks("cellar-1", [1])) == [(1, "stream-2"), (1, "stream-3")]
