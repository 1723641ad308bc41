"""What the use cases' tests share."""

from collections.abc import Callable, Iterator

import pytest
from fake_stripe import FakeStripe


@pytest.fixture
def stripe(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    """Stripe, which takes the payments of this place."""
    fake = FakeStripe()
    for name, value in fake.settings().items():
        monkeypatch.setenv(name, value)
    service()
    yield fake
    fake.stop()
