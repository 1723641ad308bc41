import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillar_service.core.errors import Invalid
from pillar_service.core.nodes import configuration as rules

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize("key", ["a", "pub/restart-after", "a.b_c/D/9", "x" * rules.LONGEST_KEY])
def test_a_key(key: str) -> None:
    assert rules.key(key) == key


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", "../a", "a/../b", "a..b", ".a", "a ", "a\n", "ä", "a%2fb", "x" * 201, None, 5, ["a"]],
)
def test_what_can_be_no_key(key: object) -> None:
    with pytest.raises(Invalid, match="can't be a key"):
        rules.key(key)


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    assert json.loads(rules.written(value)) == value


def nested(levels: int) -> object:
    return [] if levels == 1 else [nested(levels - 1)]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "NaN"), (float("inf"), "NaN"), ("\ud800", "surrogates"), ({"\udfff": 1}, "surrogates"),
        (2**63, "64 bits"), ([-(2**63) - 1], "64 bits"), (nested(33), "too deep"), (nested(900), "too deep"),
        ("x" * rules.LARGEST_VALUE, "bytes"), ({"a": {1, 2}}, "can't be kept as JSON"),
    ],
)  # fmt: skip
def test_what_no_minion_could_be_told_is_refused(value: object, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        rules.written(value)


def test_what_is_as_deep_and_as_large_as_may_be_is_taken() -> None:
    rules.written(nested(32))
    rules.written("x" * (rules.LARGEST_VALUE - 2))
    rules.written([2**63 - 1, -(2**63)])


def test_a_pillars_section_is_read_as_it_was_made_and_nothing_else_is() -> None:
    made = rules.section(7, {"a": (None, 3), "b": ({"x": 1}, 7)})
    assert rules.read(made) == made
    for broken in (None, 5, {}, {"revision": "7", "keys": {}}, {"revision": 7}, {"revision": 7, "keys": {"a": 1}}):
        assert rules.read(broken) is None
