"""What the tests of sending share: receivers, and a person whose node's events are forwarded to them."""

from typing import Any

from eventful import known, told
from fake_hook import Answer, FakeHook
from pouring import owner

from pillar_service.store.events import forwardings as rows
from pillar_service.usecases.events import events, forwardings


class Hooks:
    """Makes receivers; the account ``ann`` has the node `shed`."""

    def __init__(self) -> None:
        self.ann = owner("ann@example.org")
        known("shed", self.ann)
        self.made: list[FakeHook] = []

    def __call__(self, *plan: Answer, account: str | None = "ann") -> tuple[FakeHook, str]:
        """A receiver with this plan of answers, and the id of its forwarding: of ann's events or, if None, of all."""
        self.made.append(FakeHook(*plan))
        told = forwardings.make(self.ann, self.ann if account else None, "webhook", self.made[-1].url)
        self.made[-1].secret = told["secret"]
        return self.made[-1], str(told["id"])


def tell(*numbers: int) -> None:
    """Let the node tell events with these numbers."""
    assert events.take("shed", [told(n, node="shed") for n in numbers])["refused"] == []


def stands(id: str) -> dict[str, Any]:
    """The state of a forwarding."""
    found = rows.find(id)
    assert found is not None
    return forwardings.described(found)


def sequences(hook: FakeHook) -> list[int]:
    """The numbers of the events that a receiver took, in order."""
    return [event["cellarsequence"] for event in hook.events]
