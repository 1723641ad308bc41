"""What the tests of sending share: receivers, and a person whose node's events go there."""

from typing import Any

from eventful import known, told
from fake_hook import Answer, FakeHook
from pouring import owner

from pillar_service.store.events import forwardings as rows
from pillar_service.usecases.events import events, forwardings


class Hooks:
    """Makes receivers; ``ann`` has the node `shed`."""

    def __init__(self) -> None:
        self.ann = owner("ann@example.org")
        known("shed", self.ann)
        self.made: list[FakeHook] = []

    def __call__(self, *plan: Answer, account: str | None = "ann") -> tuple[FakeHook, str]:
        """One that answers so, to which events go: ann's, or (None) all; and the forwarding's id."""
        self.made.append(FakeHook(*plan))
        told = forwardings.make(self.ann, self.ann if account else None, "webhook", self.made[-1].url)
        self.made[-1].secret = told["secret"]
        return self.made[-1], str(told["id"])


def tell(*numbers: int) -> None:
    """The node tells events with these numbers."""
    assert events.take("shed", [told(n, node="shed") for n in numbers])["refused"] == []


def stands(id: str) -> dict[str, Any]:
    """How a forwarding stands."""
    found = rows.find(id)
    assert found is not None
    return forwardings.described(found)


def sequences(hook: FakeHook) -> list[int]:
    """Which events a receiver took, in order."""
    return [event["cellarsequence"] for event in hook.events]
