"""Waves: how nodes are split, and when a wave is done, has failed, or is waited for."""

import pytest

from pillar_service.core.errors import Invalid
from pillar_service.core.nodes import waves
from pillar_service.core.nodes.waves import NodeState, Seen

TEN = [f"n{number}" for number in range(10)]


@pytest.mark.parametrize(
    ("written", "sizes"),
    [
        ("1,10%,rest", [1, 1, 8]), ("1, 25% ,rest", [1, 3, 6]), ("rest", [10]), ("10", [10]), ("50%,50%", [5, 5]),
        ("20,rest", [10]),        ("9,100%,rest", [9, 1]), ("1%,rest", [1, 9]),
    ],
)  # fmt: skip
def test_nodes_are_split_in_order_and_each_is_in_one_wave(written: str, sizes: list[int]) -> None:
    split = waves.split(TEN, written)
    assert [len(wave) for wave in split] == sizes
    assert [node for wave in split for node in wave] == TEN


@pytest.mark.parametrize(
    "written", ["", "rest,1", "0,rest", "1;rest", "101%", "-1,rest", "1.5,rest", None, 3, "x", "1,,rest", "1%%"]
)
def test_what_is_no_list_of_waves_is_refused(written: object) -> None:
    with pytest.raises(Invalid, match="Write waves as"):
        waves.split(TEN, written)


def test_waves_that_leave_nodes_out_are_refused() -> None:
    with pytest.raises(Invalid, match="leave 7 of 10 nodes out: end with 'rest'"):
        waves.split(TEN, "1,20%")


def seen(**more: object) -> Seen:
    told = {"node": "a", "version": "2", "asked_at": 100.0, "heard_at": 110.0, "is_away": False, "fault": None}
    return Seen(**{**told, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "now", "state", "said"),
    [
        ({}, 120.0, NodeState.DONE, ""),
        ({"version": "1"}, 120.0, NodeState.ASKED, ""),
        ({"version": None}, 120.0, NodeState.ASKED, ""),
        ({"heard_at": 100.0}, 120.0, NodeState.ASKED, ""),  # not heard of since it was asked: it may be dead
        ({"heard_at": None}, 120.0, NodeState.ASKED, ""),
        ({"is_away": True}, 120.0, NodeState.ASKED, ""),
        ({"version": "1"}, 160.0, NodeState.ASKED, ""),
        ({"version": "1"}, 160.1, NodeState.FAILED, "a was not 2 within 1m: it is 1."),
        ({"is_away": True}, 161.0, NodeState.FAILED, "a was not 2 within 1m: it was not heard from since."),
        ({"version": "1", "fault": "The disk is full."}, 101.0, NodeState.FAILED, "a says: The disk is full."),
        ({}, 9_999.0, NodeState.DONE, ""),  # The watchman was away: late, but fine.
        ({"version": "1"}, 0.0, NodeState.ASKED, ""),  # The clock was set back.
    ],
)  # fmt: skip
def test_a_node_is_through_only_by_its_own_word_and_alive(
    given: dict[str, object], now: float, state: NodeState, said: str
) -> None:
    assert waves.judge(seen(**given), "2", 60, now) == (state, said)


def test_a_sentence_names_a_few() -> None:
    assert waves.sentence(["a."]) == "Stopped: a."
    assert waves.sentence(["a.", "b.", "c.", "d.", "e."]) == "Stopped: a. b. c. And 2 more."


@pytest.mark.parametrize("written", ["59s", "8d", "soon", -1])
def test_a_deadline_is_neither_too_short_nor_too_long(written: object) -> None:
    with pytest.raises(Invalid, match="deadline of a wave"):
        waves.deadline(written)
    assert waves.deadline("1h30m") == 5400
