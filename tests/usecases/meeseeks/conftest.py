"""Fixtures shared by the tests of Meeseeks."""

import pytest
from chatting import scene


@pytest.fixture
def _scene(service: object) -> None:
    scene()
