"""Slots: how many of a worker's threads may be held for long."""

import contextlib
from collections.abc import Callable

import pytest

from pillar_service.web.slots import Slots


@pytest.fixture
def threads(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Gives a function that sets a worker's number of threads."""

    def of(n: int) -> None:
        monkeypatch.setenv("CELLAR_THREADS", str(n))
        service()

    return of


@pytest.mark.parametrize(("threads_of_it", "least", "most"), [(8, 0, 2), (8, 3, 3), (3, 1, 1), (3, 0, 0)])
def test_a_share_of_the_threads_is_held(
    threads: Callable[[int], None], threads_of_it: int, least: int, most: int
) -> None:
    threads(threads_of_it)
    slots = Slots(4, least)
    with contextlib.ExitStack() as held:
        assert [held.enter_context(slots.taken()) for _ in range(most)] == [True] * most
        assert not held.enter_context(slots.taken())
        assert held.enter_context(slots.taken(always=True))
        assert slots.held() == most + 1
    assert slots.held() == 0


def test_who_has_enough_of_them_takes_none_from_others(threads: Callable[[int], None]) -> None:
    threads(16)
    slots = Slots(4, each=2)
    with slots.taken("a"), slots.taken("a"), slots.taken("a") as third, slots.taken("b") as of_another:
        assert (third, of_another) == (False, True)
    with slots.taken("a") as again:
        assert again


def test_what_was_refused_gives_nothing_back(threads: Callable[[int], None]) -> None:
    threads(4)
    slots = Slots(4)
    with slots.taken("a"):
        with slots.taken("a"):
            pass
        assert slots.held() == 1
