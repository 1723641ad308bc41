"""A provider of machines, faked at the wire."""

from collections.abc import Callable, Iterator

import pytest
from enrolling import master_is_there
from fake_scaleway import FakeScaleway

from pillar_service.usecases.nodes import building


@pytest.fixture
def cloud(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeScaleway]:
    """A fake Scaleway, where this place orders its machines."""
    fake = FakeScaleway()
    for name, value in fake.settings().items():
        monkeypatch.setenv(name, value)
    service()
    building._asked.cache_clear()
    master_is_there()
    yield fake
    fake.stop()
