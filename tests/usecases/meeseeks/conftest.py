"""What the tests of Meeseeks share."""

import pytest
from chatting import scene


@pytest.fixture
def _scene(service: object) -> None:
    scene()
