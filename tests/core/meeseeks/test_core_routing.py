"""Which node gets a command that any one of them can run."""

import pytest

from pillar_service.core.meeseeks.routing import Place, at_once, best


def place(node: str, is_here: bool = True, open: int = 0, at_once: int = 1, chosen_at: float = 0.0) -> Place:
    return Place(node, is_here, open, at_once, chosen_at)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (place("b", open=9), place("a", is_here=False)),
        (place("b", open=7, at_once=4), place("a", open=2)),
        (place("b", open=1, chosen_at=1.0), place("a", open=1, chosen_at=2.0)),
        (place("b", chosen_at=9.0), place("a", open=1, at_once=64)),
        (place("b", is_here=False), place("a", is_here=False, open=1)),
        (place("a"), place("b")),
    ],
)
def test_the_best_is_here_then_has_the_least_to_do_then_waits_the_longest(better: Place, worse: Place) -> None:
    assert best([better, worse]) == best([worse, better]) == better.node


@pytest.mark.parametrize(
    ("concurrency", "slots", "most"), [(8, 4, 4), (2, 64, 2), (3, None, 3), (3, "many", 3), (3, 0, 1), (0, 4, 1)]
)
def test_a_node_does_what_it_may_and_at_most_what_it_can(concurrency: int, slots: object, most: int) -> None:
    assert at_once(concurrency, slots) == most
