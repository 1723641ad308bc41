"""Submissions, gaps and signatures: what node and service must agree on."""

import json

import pytest
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from pillar_service.core.errors import Failed, Invalid, Unauthenticated
from pillar_service.core.events import submission
from pillar_service.core.events.gaps import Gap, Reason
from pillar_service.core.events.submission import Answer, Priority, Submission
from pillar_service.core.nodes import signatures

ONE = Submission(
    7, 3, "org.example.done", "backup", "s", Priority.LOW, 1_700_000_000.123456, 12.5, "b" * 36, True, {"x": 1}
)


def test_an_event_comes_back_as_it_went() -> None:
    sent = json.loads(json.dumps(ONE.event("cellar-1")))
    assert sent["id"] == "cellar-1/7/3"
    assert Submission.read(sent) == ONE


def test_the_sdk_takes_it_for_a_cloudevent() -> None:
    sent = ONE.event("cellar-1")
    attributes = {name: value for name, value in sent.items() if name not in ("data", "time")}
    assert CloudEvent(attributes, sent["data"]).get_extension("cellarsequence") == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("cellarepoch", wrong) for wrong in (None, 0, -1, True, 1.5, 2**31)),
        *(("cellarsequence", wrong) for wrong in (None, 0, 2**31, "x")),
        *(("cellarstream", wrong) for wrong in (None, "", "A", "a b", "x" * 65, "s\n")),
        *(("cellarpriority", wrong) for wrong in (None, -1, 5, True)),
        *(("cellarmono", wrong) for wrong in (None, 1.5, "nan", "inf", "-1", "1e5")),
        *(("cellarboot", wrong) for wrong in (None, 1, "x" * 65, "a\nb")),
        *(("cellarsynced", wrong) for wrong in (None, 1, "true")),
        *(("type", wrong) for wrong in (None, "x", "a..b", "Org.example", "org.example\n")),
        *(("subject", wrong) for wrong in (None, "", "a\nb", "x" * 201)),
        *(("time", wrong) for wrong in (None, 5, "soon", "2026-01-01T00:00:00")),
        *(("time", wrong) for wrong in ("9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59.999999+00:00")),
        ("time", "0001-01-01T00:00:00+00:01"),
    ],
)  # fmt: skip
def test_what_is_no_event_of_ours_is_refused(name: str, value: object) -> None:
    with pytest.raises(Invalid):
        Submission.read({**ONE.event("cellar-1"), name: value})


@pytest.mark.parametrize("time", ["9999-12-31T00:00:00+00:00", "0001-01-01T00:00:00+00:00"])
def test_every_time_that_is_taken_can_be_told(time: str) -> None:
    taken = Submission.read({**ONE.event("cellar-1"), "time": time})
    assert Submission.read(taken.event("cellar-1")) == taken


@pytest.mark.parametrize(
    "like",
    [
        *({"cellarpriority": wrong} for wrong in (True, 1.0)), {"cellarsynced": 1},
        *({name: wrong} for name in ("type", "subject", "cellarboot", "cellarpriority") for wrong in ([], {"a": 1})),
    ],
)  # fmt: skip
def test_what_was_right_once_makes_nothing_right_that_is_like_it(like: dict) -> None:
    sent = {**ONE.event("cellar-1"), "cellarpriority": 1}
    assert Submission.read(sent).priority is Priority.HIGH
    with pytest.raises(Invalid):
        Submission.read(sent | like)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
def test_nothing_else_than_invalid_comes_of_what_is_sent(told: dict) -> None:
    with pytest.raises(Invalid):
        Submission.read(told)


def test_the_largest_event_fits_into_a_batch() -> None:
    widest = Submission(
        2**31 - 1, 2**31 - 1, "a." + ".".join(["b" * 60] * 9), '"' * 200, "s" * 64, Priority.BULK, 4e9, 1e11, "b" * 64, True,
        "x" * (submission.LARGEST - 2),
    )  # fmt: skip
    assert len(json.dumps([widest.event("n" * 128)])) <= submission.BATCH_BYTES


def test_types_of_our_own_are_nobody_elses() -> None:
    assert submission.foreign_type("org.example.done") == "org.example.done"
    with pytest.raises(Invalid, match="Saltcellar's own"):
        submission.foreign_type("nz.butt.saltcellar.facts")


def test_a_gap_comes_back_as_it_went() -> None:
    gap = Gap(7, 3, 9, 4, Reason.FULL, "s", Priority.BULK)
    assert Gap.read(json.loads(json.dumps(gap.data()))) == gap


@pytest.mark.parametrize("more", [{"count": -1}, {"count": None}, {"reason": "no"}, {"stream": ""}, {"priority": 9}])
def test_what_is_no_gap_is_refused(more: dict) -> None:
    with pytest.raises(Invalid):
        Gap.read({**Gap(7, 3, 9, 4, Reason.AGE, "s", Priority.BULK).data(), **more})


def test_an_answer_is_read_strictly() -> None:
    told = {"accepted": ["a", 5], "refused": [{"id": "b", "why": "no"}, {"id": "a", "reason": "half"}, {"id": 3}, "x"]}
    assert Answer.read(told) == Answer(frozenset({"a"}), {"b": "no"})
    for wrong in ({}, {"accepted": {}, "refused": []}, {"accepted": []}):
        with pytest.raises(Failed):
            Answer.read(wrong)


def test_a_token_is_of_one_node_and_one_body() -> None:
    told = signatures.claims("cellar-1", b"body", 1.5, 7, 2)
    signatures.check(told, "cellar-1", b"body")
    for node, body in (("cellar-2", b"body"), ("cellar-1", b"other")):
        with pytest.raises(Unauthenticated):
            signatures.check(told, node, body)
    with pytest.raises(Unauthenticated):
        signatures.check({**told, "aud": "other"}, "cellar-1", b"body")
