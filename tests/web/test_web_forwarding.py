"""Events on their way to a webhook, over a real connection to a receiver that is stricter than real ones."""

import time

import pytest
from fake_hook import Answer, FakeHook
from hooks import Hooks, sequences, stands, tell

from pillar_service.core.events import forwarding as rules
from pillar_service.store.events import forwardings as rows
from pillar_service.usecases.events import deliveries, forwardings
from pillar_service.web import forwarding


def test_all_of_it_arrives_in_order_signed_once(hooked: Hooks) -> None:
    hook, id = hooked(200, 202, 204)
    tell(*range(1, 251))
    while id in deliveries.due(9):
        forwarding.deliver(id)
    assert sequences(hook) == list(range(1, 251))
    assert len(hook.asked) == 3
    assert stands(id)["sent"] == 250


def test_a_test_goes_before_all_that_waits(hooked: Hooks) -> None:
    hook, id = hooked(200)
    tell(1)
    forwardings.test("test", hooked.ann, id)
    forwarding.deliver(id)
    forwarding.deliver(id)
    assert [event["type"] for event in hook.events] == [rules.TEST, "org.example.backup.done"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (500, "500"), (404, "404"), (103, ""), ("cut", "connection"), ("hang", "within 0.5"), ("drip", "within 0.5"),
        ((307, {"Location": "http://127.0.0.1:1/"}), "redirects are not followed"),
    ],
)  # fmt: skip
def test_what_is_no_yes_is_tried_again_as_the_same(hooked: Hooks, answer: Answer, why: str) -> None:
    hook, id = hooked(answer, 200)
    tell(1, 2)
    begun = time.monotonic()
    forwarding.deliver(id, 0.5)
    assert time.monotonic() - begun < 15
    shown = stands(id)
    assert (shown["state"], shown["failures"], why in shown["error"]) == ("on", 1, True)
    assert deliveries.due(9) == []
    tell(3)
    rows.change(id, not_before=0.0)  # as if the pause were over
    forwarding.deliver(id)
    forwarding.deliver(id)
    assert sequences(hook) == [1, 2, 3]
    [first, second, third] = [message for message, _ in hook.asked]
    assert first == second != third
    assert stands(id)["error"] is None


def test_a_redirect_to_this_machine_is_not_followed(hooked: Hooks) -> None:
    inner = FakeHook(200)
    with inner:
        _, id = hooked((302, {"Location": inner.url}))
        tell(1)
        forwarding.deliver(id)
        assert inner.asked == []
    assert stands(id)["failures"] == 1


def test_a_huge_answer_is_not_read(hooked: Hooks) -> None:
    hook, id = hooked("huge")
    tell(1)
    forwarding.deliver(id)
    assert (sequences(hook), stands(id)["sent"]) == ([1], 1)


def test_gone_is_gone(hooked: Hooks) -> None:
    _, id = hooked(410)
    tell(1)
    forwarding.deliver(id)
    assert stands(id)["state"] == "failed"


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("600", 590, 610),
        ("999999", 3590, 3610),
        ("Wed, 01 Jan 2098 00:00:00 GMT", 3590, 3610),
        ("soon", 0, 3),
        ("-5", 0, 3),
    ],
)
def test_it_comes_again_when_it_was_told_to(hooked: Hooks, said: str, least: float, most: float) -> None:
    _, id = hooked((503, {"Retry-After": said}))
    tell(1)
    forwarding.deliver(id)
    shown = stands(id)
    assert least <= shown["next_at"] - shown["failing_since"] <= most
