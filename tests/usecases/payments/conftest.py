"""A place that sends mail, and a person who is to pay."""

from collections.abc import Callable

import pytest
from paying import Written
from pouring import owner


@pytest.fixture
def mailed(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Written:
    """Let the place send mail; gives the queued mails."""
    monkeypatch.setenv("CELLAR_MAIL", "file:///dev/null")
    service()
    return Written()


@pytest.fixture
def person() -> str:
    return owner()
