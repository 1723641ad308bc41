"""Fixtures shared by the tests of use cases."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_stripe import FakeStripe


@pytest.fixture
def stripe(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    """A fake Stripe, which takes the payments of this place."""
    fake = FakeStripe()
    for name, value in fake.settings().items():
        monkeypatch.setenv(name, value)
    service()
    yield fake
    fake.stop()


@pytest.fixture
def posted(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[Any]]:
    """Let the place send mail; gives a function that returns all queued mails."""
    from pillar_service.store.people.mails import Mail

    monkeypatch.setenv("CELLAR_MAIL", f"file://{tmp_path}/mail")
    service()
    return lambda: list(Mail.select().order_by(Mail.created_at))
