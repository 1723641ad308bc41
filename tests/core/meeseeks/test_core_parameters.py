from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillar_service.core import durations
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks import parameters
from pillar_service.core.meeseeks.parameters import Kind, Parameter, faults, read, told

NAMED = Parameter("name", Kind.STRING, pattern="[a-z]+", most=5)
NUMBER = Parameter("number", Kind.INT, least=-5, most=10)
CHOICE = Parameter("choice", Kind.ENUM, choices=("prd", "stg"))
YES = Parameter("yes", Kind.BOOL)
BOT = Parameter("bot", Kind.BOT, required=True)
NODE = Parameter("node", Kind.NODE)
TIME = Parameter("time", Kind.DURATION, least=60, most=3600)
SECRET = Parameter("password", Kind.SECRET, pattern="[a-z]+", least=4)
FIXED = Parameter("fixed", Kind.DURATION, default="5m", immutable=True)
ALL = [NAMED, NUMBER, CHOICE, YES, BOT, NODE, TIME, SECRET, FIXED]


@pytest.mark.parametrize(
    ("parameter", "typed", "value"),
    [
        (NAMED, "abc", "abc"),
        (NUMBER, "7", 7),
        (NUMBER, "-5", -5),
        (NUMBER, 10, 10),
        (CHOICE, "prd", "prd"),
        (CHOICE, "Prd", "prd"),
        (YES, "Yes", True),
        (YES, "off", False),
        (YES, True, True),
        (BOT, "My.butt.nz", "my.butt.nz"),
        (BOT, "1f3a9c2e5b7d9e0f", "1f3a9c2e5b7d9e0f"),
        (NODE, "cellar-1", "cellar-1"),
        (TIME, "5m", 300),
        (TIME, "1H", 3600),
        (SECRET, "hush", "hush"),
        (FIXED, None, 300),
        (FIXED, 300, 300),
        (NAMED, None, None),
    ],
)
def test_what_is_given_becomes_a_value_and_stays_it(parameter: Parameter, typed: object, value: object) -> None:
    assert parameter.checked(typed) == value
    if value is not None:
        assert parameter.checked(value) == value


@pytest.mark.parametrize(
    ("parameter", "wrong"),
    [
        (NAMED, "ABC"),
        (NAMED, "abc1"),
        (NAMED, "abcdef"),
        (NAMED, "abc\n"),
        (NAMED, 5),
        (Parameter("free"), "a\x00b"),
        (Parameter("free"), "a\u202eb"),
        (Parameter("free"), "x" * 1001),
        (NUMBER, "11"),
        (NUMBER, "-6"),
        (NUMBER, "1.0"),
        (NUMBER, "٣"),
        (NUMBER, True),
        (NUMBER, "9" * 5000),
        (Parameter("count", Kind.INT), "-1"),
        (CHOICE, "dev"),
        (CHOICE, ["prd"]),
        (YES, "maybe"),
        (YES, 1),
        (BOT, "my/../x"),
        (BOT, "-my"),
        (BOT, "my bot"),
        (BOT, None),
        (NODE, "../x"),
        (NODE, "-x"),
        (NODE, "*"),
        (TIME, "30s"),
        (TIME, "2h"),
        (TIME, "soon"),
        (TIME, ""),
        (TIME, -1),
        (FIXED, "6m"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_may_be_given(parameter: Parameter, wrong: object) -> None:
    with pytest.raises(Invalid, match=f"^{parameter.name} "):
        parameter.checked(wrong)


@pytest.mark.parametrize("canary", ["CANARY-7f", "CAN", "canary\n7f", 7777])
def test_no_sentence_repeats_a_secret(canary: object) -> None:
    with pytest.raises(Invalid) as refused:
        SECRET.checked(canary)
    assert str(canary) not in refused.value.sentence
    assert "CAN" not in refused.value.sentence


@given(st.sampled_from(ALL), st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.integers()))
def test_anything_is_a_value_or_refused(parameter: Parameter, anything: Any) -> None:
    try:
        value = parameter.checked(anything)
    except Invalid:
        return
    assert value is None or parameter.checked(value) == value


@pytest.mark.parametrize("parameter", ALL)
def test_a_node_reads_what_it_is_told(parameter: Parameter) -> None:
    assert list(faults(parameter)) == []
    again = read(parameter.name, told(parameter))
    assert told(again) == told(parameter)
    assert again.bounds == parameter.bounds


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (Parameter("Bot"), "can't be a parameter's name"),
        (Parameter("selector"), "can't be a parameter's name"),
        (Parameter("a", Kind.ENUM), "and it needs some"),
        (Parameter("a", choices=("b",)), "only an enum can have choices"),
        (Parameter("a", Kind.INT, pattern="x"), "a int can't have a pattern"),
        (Parameter("a", Kind.BOOL, least=1), "can't have least and most"),
        (Parameter("a", Kind.INT, least=2, most=1), "least is more than most"),
        (Parameter("a", required=True, default="x"), "a required parameter"),
        (Parameter("a", immutable=True), "needs a default"),
        (Parameter("a", Kind.SECRET, default="x"), "a secret can't have a default"),
        (Parameter("a", pattern="("), "not a regular expression"),
        (Parameter("a", pattern="[a-z]", default="X"), "its default is refused"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_told(wrong: Parameter, sentence: str) -> None:
    assert any(sentence in fault for fault in faults(wrong))


@given(st.integers(0, 10**8))
def test_a_length_of_time_is_read_as_it_is_written(length_s: int) -> None:
    assert durations.seconds(durations.words(length_s)) == length_s


def test_kinds_are_those_of_the_table() -> None:
    assert parameters.__doc__ is not None
    assert all(f"{kind} " in parameters.__doc__ for kind in Kind)
