"""What several threads write at the same moment shares a commit; each gets its own result once that is on disk."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pillar_service.core.errors import Conflict, Unavailable
from pillar_service.store import database
from pillar_service.store.jobs import leases
from pillar_service.usecases.service import grouping
from pillar_service.usecases.service.grouping import Group

pytestmark = pytest.mark.usefixtures("service")


def written() -> set[str]:
    return {lease.name for lease in leases.Lease.select()}


class Writing:
    """Writes names as leases. The first write waits until it is released, so that others queue up meanwhile."""

    def __init__(self, refused: type[Exception] = Conflict) -> None:
        self.together: list[list[str]] = []
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.refused = refused

    def __call__(self, names: list[str]) -> list[str]:
        self.together.append(names)
        if not self.begun.is_set():
            self.begun.set()
            assert self.let_go.wait(30)
        for name in names:
            leases.put(name, "me", 1, 1.0)
            if name.startswith("bad"):
                raise self.refused(f"not {name}")
        return [f"made {name}" for name in names]


def all_at_once(writing: Writing, names: list[str]) -> list[str]:
    """What each name's thread got; the first goes ahead, the others come while it is being written."""
    group = Group(writing)

    def do(name: str) -> str:
        try:
            told = group.do(name)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        finally:
            database.release()
        return f"{told}, {'kept' if name in written() else 'lost'}"

    with ThreadPoolExecutor(len(names)) as pool:
        first = pool.submit(do, names[0])
        assert writing.begun.wait(30)
        others = [pool.submit(do, name) for name in names[1:]]
        until(lambda: len(group._waiting) == len(names) - 1)
        writing.let_go.set()
        return [one.result(30) for one in (first, *others)]


def until(true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("Not within 30 s.")


def test_those_who_come_while_another_is_written_share_the_next_commit() -> None:
    writing, names = Writing(), [f"n{n}" for n in range(8)]
    assert all_at_once(writing, names) == [f"made {name}, kept" for name in names]
    assert [sorted(some) for some in writing.together] == [["n0"], names[1:]]


def test_those_who_come_while_it_is_another_ones_turn_share_the_commit_of_the_first() -> None:
    writing, names = Writing(), [f"n{n}" for n in range(8)]
    writing.let_go.set()
    group = Group(writing)

    def do(name: str) -> str:
        try:
            return group.do(name)
        finally:
            database.release()

    with ThreadPoolExecutor(len(names)) as pool:
        with database.transaction():
            told = [pool.submit(do, name) for name in names]
            until(lambda: len(group._waiting) == len(names))
        assert [one.result(30) for one in told] == [f"made {name}" for name in names]
    assert len(writing.together) == 1


def test_who_gets_no_turn_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    group = _let_go(Group(Writing()))

    def busy() -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(grouping, "transaction", busy)
    with pytest.raises(Unavailable, match="busy"):
        group.do("n0")
    monkeypatch.undo()
    assert group.do("n1") == "made n1"


def test_one_that_is_refused_is_refused_alone() -> None:
    writing = Writing()
    told = all_at_once(writing, ["n0", "n1", "bad", "n2"])
    assert told == ["made n0, kept", "made n1, kept", "Conflict: not bad", "made n2, kept"]
    assert written() == {"n0", "n1", "n2"}


def test_what_concerns_all_is_told_to_all_and_nothing_is_written() -> None:
    writing = Writing(Unavailable)
    told = all_at_once(writing, ["n0", "n1", "bad"])
    assert told == ["made n0, kept", "Unavailable: not bad", "Unavailable: not bad"]
    assert written() == {"n0"}
    assert len(writing.together) == 2


def test_after_a_failure_the_next_one_is_written() -> None:
    group = Group(Writing())
    with pytest.raises(Conflict):
        _let_go(group).do("bad")
    assert group.do("n1") == "made n1"


def _let_go(group: Group[str, str]) -> Group[str, str]:
    group._act.let_go.set()  # type: ignore[attr-defined]
    return group


def test_many_threads_and_each_is_told_of_its_own() -> None:
    writing = Writing()
    writing.let_go.set()
    group, names = Group(writing), [f"n{n}" for n in range(200)]

    def do(name: str) -> str:
        return group.do(name)

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(do, names)) == [f"made {name}" for name in names]
        list(pool.map(lambda _: database.release(), range(16)))
    assert written() == set(names)
    assert not group._is_led
