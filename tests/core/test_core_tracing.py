import threading

import pytest

from pillar_service.core import names, tracing

NO_IDS = ["", "short", "a" * 65, "with blank 1", "new\nline-1234", "ünïcödé-1234", "-begins-so", "{}[]\"'<>;"]


def test_what_is_inside_is_of_one_request_and_what_is_outside_of_none() -> None:
    assert tracing.current() is None
    with tracing.within() as outer:
        assert names.ID.fullmatch(outer)
        with tracing.within("another-1") as inner:
            assert tracing.current() == inner == "another-1"
        assert tracing.current() == outer
    assert tracing.current() is None


def test_another_thread_works_for_nobody() -> None:
    seen: list[str | None] = []
    with tracing.within():
        thread = threading.Thread(target=lambda: seen.append(tracing.current()))
        thread.start()
        thread.join()
    assert seen == [None]


@pytest.mark.parametrize("id", NO_IDS)
def test_what_is_no_id_is_not_taken_over(id: str) -> None:
    with tracing.within(id) as taken:
        assert taken != id
        assert names.ID.fullmatch(taken)


@pytest.mark.parametrize("id", ["0123456789abcdef", "6b1f1a52-8c0f-4c3e-9d5a-0d2f4a1c9e77", "salt-run_1"])
def test_ids_of_ours_and_of_others_are_taken_over(id: str) -> None:
    with tracing.within(id) as taken:
        assert taken == id
