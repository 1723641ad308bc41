import pytest

from pillar_service.core.meeseeks.patterns import fault


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*b",
        "([a-z]+)*",
        "((a+)+)",
        "x(?:a+|b)+",
        "(?:(?:a+))*",
        "(a+b*)+",
        "(.*)*",
        "((a)+){20}",
        "(a{1,50}){1,50}",
        r"(\w+[ -]?)+",
        r"(-?\w+)*",
        r"(\w+(-\w)?)*",
    ],
)
def test_a_repeat_of_repeats_is_refused(pattern: str) -> None:
    assert "repeats a repeat" in (fault(pattern) or "")


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a+",
        r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*",
        r"garden(-\d+)?",
        "(ab)+",
        "(a|b)*",
        "(a+)?",
        "(a?){3}",
        "(a?b?)*",
        r"(\w+-)*",
        r"(\w+[ -]?)?",
        r"token=\S+",
    ],
)
def test_an_honest_pattern_is_taken(pattern: str) -> None:
    assert fault(pattern) is None


@pytest.mark.parametrize("pattern", ["(", "[", "a{2,1}", "(?P<x", "\\", "a" * 501])
def test_what_is_no_pattern_is_told(pattern: str) -> None:
    assert fault(pattern)
