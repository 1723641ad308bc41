import threading
import time
from collections.abc import Iterable
from typing import Any

from pillar_service.web import turns
from pillar_service.web.turns import Turn, Turns


def test_a_turn_is_handed_on_in_the_order_of_asking() -> None:
    turn, order = Turn(), []
    assert turn.take()

    def ask(number: int) -> None:
        if turn.take():
            order.append(number)
            turn.give()

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for thread in asking:
        thread.start()
        time.sleep(0.01)
    turn.give()
    for thread in asking:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_who_waits_too_long_goes_without_and_leaves_the_turn_in_order() -> None:
    turn = Turn()
    assert turn.take()
    began = time.monotonic()
    assert not turn.take()
    assert time.monotonic() - began >= turns.PATIENCE_S
    turn.give()
    assert turn.take()


def answered(method: str, slow: threading.Event) -> float:
    """How many seconds a request with this method takes while a page is being made."""

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("slow"):
            slow.wait(5)
        return [b""]

    wrapped = Turns(application)
    page = threading.Thread(target=lambda: wrapped({"REQUEST_METHOD": "GET", "slow": True}, None))
    page.start()
    time.sleep(0.02)
    began = time.monotonic()
    wrapped({"REQUEST_METHOD": method}, None)
    took = time.monotonic() - began
    slow.set()
    page.join()
    return took


def test_pages_wait_for_each_other_and_changes_for_nobody() -> None:
    assert answered("GET", threading.Event()) >= turns.PATIENCE_S
    assert answered("POST", threading.Event()) < turns.PATIENCE_S


def test_a_page_that_fails_gives_its_turn_back() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("broken"):
            raise RuntimeError
        return [b"fine"]

    wrapped = Turns(application)
    for _ in range(3):
        try:
            wrapped({"REQUEST_METHOD": "GET", "broken": True}, None)
        except RuntimeError:
            continue
    began = time.monotonic()
    assert wrapped({"REQUEST_METHOD": "GET"}, None) == [b"fine"]
    assert time.monotonic() - began < turns.PATIENCE_S
