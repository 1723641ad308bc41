import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillar_service.core.errors import Invalid
from pillar_service.core.nodes import labels, selectors
from pillar_service.core.nodes.selectors import EVERYTHING, Operator, Requirement, Selector, any_of, parse

KEYS = ["environment", "app", "gpu", "in", "notin", "butt.nz/rack", "A_b.c"]
VALUES = ["prd", "stg", "", "in", "1.2_3-x"]

NODE = {"environment": "prd", "app": "a", "empty": ""}

LABELS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES))


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    operator = draw(st.sampled_from(Operator))
    few = st.lists(st.sampled_from(VALUES), min_size=1, max_size=4, unique=True)
    values = tuple(sorted(draw(few))) if operator in (Operator.IN, Operator.NOT_IN) else ()
    return Requirement(draw(st.sampled_from(KEYS)), operator, values)


SELECTORS = st.lists(requirements(), max_size=5).map(lambda some: Selector(tuple(sorted(set(some)))))


def naive(selector: Selector, node: dict[str, str]) -> bool:
    """An independent implementation of selectors, from the table at the top of their module."""
    for one in selector.requirements:
        have = node.get(one.key)
        if one.operator == "in" and (have is None or have not in one.values):
            return False
        if one.operator == "notin" and have is not None and have in one.values:
            return False
        if one.operator == "set" and have is None:
            return False
        if one.operator == "not set" and have is not None:
            return False
    return True


@pytest.mark.parametrize(
    ("text", "canonical", "matches"),
    [
        ("", "", True),
        ("  ", "", True),
        ("environment=prd", "environment=prd", True),
        ("environment==prd", "environment=prd", True),
        ("environment = stg", "environment=stg", False),
        ("environment!=prd", "environment!=prd", False),
        ("type!=X", "type!=X", True),
        ("app in (b, a)", "app in (a,b)", True),
        ("app in(b)", "app=b", False),
        ("app notin (a,b)", "app notin (a,b)", False),
        ("missing notin (a,b)", "missing notin (a,b)", True),
        ("missing in (a,b)", "missing in (a,b)", False),
        ("empty=", "empty=", True),
        ("missing=", "missing=", False),
        ("missing!=", "missing!=", True),
        ("gpu", "gpu", False),
        ("!gpu", "!gpu", True),
        ("! app", "!app", False),
        ("environment=prd,type!=X,app in (a,b),!gpu", "app in (a,b),environment=prd,!gpu,type!=X", True),
        ("app=a,app=a", "app=a", True),
        ("app=a,app=b", "app=a,app=b", False),
        ("in in (in)", "in=in", False),
        ("notin", "notin", False),
    ],
)
def test_a_selector_means_what_kubernetes_means(text: str, canonical: str, matches: bool) -> None:
    selector = parse(text)
    assert str(selector) == canonical
    assert selector.matches(NODE) is matches


@pytest.mark.parametrize(
    ("text", "at", "belongs"),
    [
        ("environment=prd,,gpu", 17, "label's key"),
        ("environment=prd,", 17, "label's key"),
        ("=prd", 1, "label's key"),
        ("!", 2, "label's key"),
        ("a b", 3, "'in'"),
        ("a in b", 6, "'('"),
        ("a in (b", 8, "a comma or ')'"),
        ("a in (b c)", 9, "a comma or ')'"),
        ("a=b c", 5, "a comma or the end"),
        ("a=b=c", 4, "a comma or the end"),
        ("a=*", 3, "label's value"),
        ("*", 1, "label's key"),
        ("a>1", 2, "'='"),
        ("-a=b", 1, "label's key"),
        ("a=b;c", 4, "a comma"),
        ("ä=b", 1, "label's key"),
        ("a=“b”", 3, "label's value"),
        (f"{'k' * 64}=v", 1, "label's key"),
        (f"k={'v' * 64}", 3, "label's value"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_belongs_there(text: str, at: int, belongs: str) -> None:
    with pytest.raises(Invalid) as told:
        parse(text)
    assert f"at character {at}:" in told.value.sentence
    assert belongs in told.value.sentence


@pytest.mark.parametrize("text", [None, 7, b"a=b", ["a"], "a=b," * 1500, "x" * 40_000])
def test_what_is_no_selector_is_refused(text: object) -> None:
    with pytest.raises(Invalid):
        parse(text)


@given(SELECTORS)
def test_what_is_written_is_read_again(selector: Selector) -> None:
    assert parse(str(selector)) == selector


@given(st.text(max_size=60) | st.text(alphabet="ab=!,() in./-_\t", max_size=60))
@example("a in (,)")
@example("a in ()")
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    try:
        selector = parse(text)
    except Invalid:
        return
    assert parse(str(selector)) == selector


@given(SELECTORS, LABELS)
def test_a_selector_matches_what_it_says(selector: Selector, node: dict[str, str]) -> None:
    assert selector.matches(node) is naive(selector, node)


@given(SELECTORS, SELECTORS, LABELS)
def test_both_never_mean_more_than_each(one: Selector, other: Selector, node: dict[str, str]) -> None:
    assert one.both(other).matches(node) is (one.matches(node) and other.matches(node))
    assert one.both(other) == other.both(one)
    assert one.both(EVERYTHING) == one


@given(st.lists(SELECTORS, max_size=4), LABELS)
def test_any_of_several_means_what_at_least_one_means(several: list[Selector], node: dict[str, str]) -> None:
    assert any_of(several).matches(node) is any(one.matches(node) for one in several)


def test_no_selector_means_no_node() -> None:
    assert not any_of([]).matches({})
    assert str(any_of([])) == "no node"
    assert str(any_of([parse("a=b"), EVERYTHING])) == "every node"


def test_two_long_ones_together_are_too_long() -> None:
    long = parse(",".join(f"key-{number}=value" for number in range(200)))
    with pytest.raises(Invalid, match="too long"):
        long.both(parse(",".join(f"other-{number}=value" for number in range(200))))


def test_labels_are_those_that_a_selector_can_name() -> None:
    assert labels.checked({"b": "", "a": "x"}) == {"a": "x", "b": ""}
    for wrong in ({"": "x"}, {"a b": "x"}, {"a": "x y"}, {"a": 1}, {1: "a"}, [], {f"k{n}": "" for n in range(65)}):
        with pytest.raises(Invalid):
            labels.checked(wrong)


def test_the_operators_are_those_of_the_table() -> None:
    assert selectors.__doc__ is not None
    assert all(f" {word} " in selectors.__doc__ for word in ("=", "==", "!=", "in", "notin"))
