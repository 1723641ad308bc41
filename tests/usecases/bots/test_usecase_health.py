import time
from typing import Any

import pytest
from days import ahead, at
from eventful import told as told_event
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pouring import OTHER_PUB, PUB, answer, bot, event, owner, poured, report, states_of, told

from pillar_service.core.bots import health as rules
from pillar_service.core.errors import Invalid
from pillar_service.core.people.agents import Desired
from pillar_service.store.bots import samples
from pillar_service.usecases.bots import bots, health
from pillar_service.usecases.events import events
from pillar_service.usecases.jobs import claims, runs
from pillar_service.usecases.nodes import nodes, pillars

pytestmark = pytest.mark.usefixtures("service", "person")


@pytest.fixture
def person(service: None) -> None:
    owner()


def test_a_report_is_kept_and_shown_once() -> None:
    id = poured()["id"]
    sent = event(report(id))
    for _ in range(2):
        assert health.take("cellar-1", [sent]) == {"accepted": ["cellar-1/1/1"], "refused": []}
    shown = bots.show("my")
    assert (shown["actual"], shown["health"]["peers"], shown["health"]["disk_bytes"]) == ("alive", 2, 2**33)
    assert len(samples.newest(id, 10)) == 1
    [node] = nodes.listed()
    assert node["facts"] == {"docker": True, "error": None, "unlisted": []}


def test_an_older_report_is_a_sample_but_not_the_last_word() -> None:
    id, now = poured()["id"], time.time()
    health.take("cellar-1", [event(report(id, peers=5, at=now)), event(report(id, peers=1, at=now - 60), n=2)])
    assert bots.show("my")["health"]["peers"] == 5
    assert len(samples.newest(id, 10)) == 2


def test_what_was_heard_while_the_place_s_own_clock_was_ahead_hides_nothing_once_it_is_right() -> None:
    id = poured()["id"]
    with ahead(86_400 * 365):
        health.take("cellar-1", [event(report(id))])
    health.take("cellar-1", [event(report(id, status="exited", health="none"), n=2)])
    shown = bots.show("my")
    assert shown["actual"] == "sick"
    assert shown["reported_at"] <= time.time()


def test_the_future_does_not_hide_what_comes_after() -> None:
    id = poured()["id"]
    health.take("cellar-1", [event(report(id, at=time.time() + 9e6, peers=1))])
    health.take("cellar-1", [event(report(id, at=time.time() + 9e6, peers=2), n=2)])
    assert bots.show("my")["health"]["peers"] == 2


def test_what_a_pub_says_of_itself_keeps_no_other_from_being_heard_of() -> None:
    mine, theirs = poured()["id"], bot("theirs")["agent"]["id"]
    node = {"docker": True, "error": f"no\nroom {'x' * 600}", "unlisted": []}
    sent = event(report(mine, version="0.1\n\x00\u202e\ud800"), report(theirs, peers=7))
    sent["data"]["node"] = node
    assert health.take("cellar-1", [sent])["refused"] == []
    assert bots.show("theirs")["health"]["peers"] == 7
    assert bots.show("my")["health"]["version"].isprintable()


def test_silence_is_shown_as_lost() -> None:
    id, now = poured()["id"], time.time()
    health.take("cellar-1", [event(report(id, at=now))])
    with at(now + rules.LOST_AFTER_S - 1):
        assert bots.show("my")["actual"] == "alive"
    with at(now + rules.LOST_AFTER_S + 1):
        assert bots.show("my")["actual"] == "lost"


def test_a_bot_whose_job_says_that_it_lives_is_not_lost_until_it_is_silent_for_long() -> None:
    """After a machine was off for a while, its node starts the bot before the first report comes."""
    id, began = poured()["id"], time.time() + 600
    with at(began):
        assert bots.show("my")["actual"] == "lost"
        bots.desire("test", "my", Desired.RUNNING)
        [run] = claims.claim("salt")["runs"]
        runs.started("salt", run["id"], f"jid-{run['id']}")
    with at(began + 30):
        answer(run, states_of("cellar-1"))
        assert bots.show("my")["actual"] == "alive"
        health.take("cellar-1", [event(report(id, at=began + 20, peers=7))])  # made while the job ran
        assert bots.show("my")["health"]["peers"] == 7
    with at(began + 20 + rules.LOST_AFTER_S + 1):
        assert bots.show("my")["actual"] == "lost"


def test_after_a_long_job_silence_counts_from_its_end() -> None:
    assert rules.vouched_at(None, 1000.0, 5000.0) == 5000.0 - rules.LOST_AFTER_S / 2
    assert rules.vouched_at(4999.0, 1000.0, 5000.0) == 4999.0


@pytest.mark.parametrize("offset_s", [-600.0, 600.0, 20.0])
def test_of_a_node_whose_clock_is_wrong_bots_are_as_it_says(offset_s: float) -> None:
    id, now = poured()["id"], time.time()
    sent = told_event(1, rules.EVENT_TYPE, data=event(report(id, at=now + offset_s))["data"], at=now + offset_s)
    assert events.take("cellar-1", [sent], offset_s=offset_s)["refused"] == []
    shown = bots.show("my")
    assert (shown["actual"], abs(shown["reported_at"] - now) <= 20) == ("alive", True)
    [sample] = samples.newest(id, 10)
    assert abs(sample.at - now) <= 20
    late = event(report(id, at=now + offset_s - 600))["data"]  # what waited on the node while it was cut off
    with at(now + 3600):
        events.take("cellar-1", [told_event(2, rules.EVENT_TYPE, data=late, at=now)], offset_s=offset_s)
    assert bots.show("my")["reported_at"] == shown["reported_at"]


@pytest.mark.parametrize(
    ("said", "actual"),
    [
        ({"status": "exited", "answers": False}, "sick"),
        ({"status": "missing", "answers": False, "health": "none"}, "sick"),
        ({"health": "unhealthy"}, "sick"),
        ({"status": "paused"}, "sick"),
        ({}, "alive"),
    ],
)
def test_a_bot_that_should_run_and_does_not_is_sick(said: dict[str, Any], actual: str) -> None:
    id = poured()["id"]
    health.take("cellar-1", [event(report(id, **said))])
    assert bots.show("my")["actual"] == actual


def test_what_was_seen_before_a_job_said_that_it_lives_does_not_undo_it() -> None:
    id = poured()["id"]
    starting: dict[str, Any] = {"answers": False, "health": "starting", "pub_id": None}
    health.take("cellar-1", [event(report(id, uptime_s=2, **starting))])
    assert bots.show("my")["actual"] == "alive"
    health.take("cellar-1", [event(report(id, uptime_s=40, **starting), n=2)])
    assert bots.show("my")["actual"] == "sick"


def test_a_bot_being_poured_is_not_called_sick_yet() -> None:
    id = bot()["agent"]["id"]
    health.take("cellar-1", [event(report(id, status="missing", answers=False, health="none", pub_id=None))])
    assert bots.show("my")["actual"] == "provisioning"


def test_a_node_speaks_of_its_own_bots_alone_and_never_changes_an_identity() -> None:
    nodes.add("test", "cellar-2", 30000, 30010)
    mine, theirs = poured()["id"], bot("theirs", node="cellar-2")["agent"]["id"]
    answer = health.take("cellar-1", [event(report(mine), report(theirs, peers=99))])
    assert answer["accepted"] == ["cellar-1/1/1"]
    assert "not on cellar-1" in answer["refused"][0]["why"]
    assert bots.show("theirs")["health"] is None
    answer = health.take("cellar-1", [event(report(mine, pub_id=OTHER_PUB), n=2)])
    assert f"should be {PUB}, but it is {OTHER_PUB}" in answer["refused"][0]["why"]
    assert bots.show("my")["pub_id"] == PUB


def test_a_bot_that_came_back_as_another_is_sick_until_it_is_itself_again() -> None:
    id = poured()["id"]
    health.take("cellar-1", [event(report(id, pub_id=OTHER_PUB))])
    shown = bots.show("my")
    assert (shown["actual"], shown["pub_id"]) == ("sick", PUB)
    assert "Bring its data directory back" in shown["detail"]
    health.take("cellar-1", [event(report(id, answers=False, pub_id=None), n=2)])
    assert bots.show("my")["detail"] == shown["detail"]
    health.take("cellar-1", [event(report(id), n=3)])
    assert (bots.show("my")["actual"], bots.show("my")["detail"]) == ("alive", "")


def test_a_node_is_told_who_its_pubs_are_once() -> None:
    id = bot()["agent"]["id"]
    assert told()[id]["pub_id"] is None
    health.take("cellar-1", [event(report(id))])
    assert told()[id]["pub_id"] == PUB
    before = pillars.ready("cellar-1")
    health.take("cellar-1", [event(report(id, sequence=9, peers=7), n=2)])
    assert pillars.ready("cellar-1") == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "cellar-2"}, {"id": "cellar-2/1/1"}, {"type": "other"}, {"specversion": "9"},
        {"time": "yesterday"},
        {"data": None}, {"data": []}, {"data": {"node": {"docker": 1}, "bots": []}}, {"id": None},
        {"data": {"node": {}}},
    ],
)  # fmt: skip
def test_a_bad_event_is_refused_and_the_good_one_beside_it_taken(wrong: dict[str, Any]) -> None:
    id = poured()["id"]
    answer = health.take("cellar-1", [event(n=7) | wrong, event(report(id), n=8)])
    assert answer["accepted"] == ["cellar-1/1/8"]
    assert len(answer["refused"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": "2026-01-01T00:00:00"}, {"time": "yesterday"}, {"id": 5}, {"subject": ""}, {"subject": ["x"]},
        {"Extension": "x"}, {"source": True}, {"type": {}},
    ],
)  # fmt: skip
def test_a_good_event_makes_nothing_good_that_is_like_it(wrong: dict[str, Any]) -> None:
    id = poured()["id"]
    answer = health.take("cellar-1", [event(report(id), n=7), event(report(id), n=8) | wrong])
    assert answer["accepted"] == ["cellar-1/1/7"]
    assert len(answer["refused"]) == 1


@pytest.mark.parametrize("wrong", [{"answers": 1}, {"status": ["running"]}, {"version": {}}, {"at": True}])
def test_a_good_report_makes_nothing_good_that_is_like_it(wrong: dict[str, Any]) -> None:
    id = poured()["id"]
    answer = health.take("cellar-1", [event(report(id), n=7), event(report(id) | wrong, n=8)])
    assert answer["accepted"] == ["cellar-1/1/7"]
    assert len(answer["refused"]) == 1


def test_what_is_no_batch_is_invalid() -> None:
    for wrong in ({}, "x", None, [event()] * 1001):
        with pytest.raises(Invalid):
            health.take("cellar-1", wrong)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from([*report(""), "version", "follows"]), value=anything, whole=anything)
def test_a_lying_node_gets_an_answer_for_anything(key: str, value: object, whole: object) -> None:
    existing = bots.listed() or [poured()]
    lie = report(existing[0]["id"], **{key: value})
    answer = health.take("cellar-1", [event(lie, n=1), event(n=2) | {"data": whole}, whole])
    assert len(answer["accepted"]) + len(answer["refused"]) >= 3
    assert bots.show("my")["pub_id"] == PUB
