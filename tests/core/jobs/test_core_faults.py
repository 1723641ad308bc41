"""Sentences for raw error messages."""

import pytest

from pillar_service.core.jobs import faults


@pytest.mark.parametrize(
    ("raw", "said"),
    [("It  broke\nhere.", "It broke here."), ("It\x00broke here.\x00", "It broke here."), ("caf\u00e9", "caf\u00e9")],
)
def test_an_unknown_message_is_one_line_that_can_be_kept(raw: str, said: str) -> None:
    assert faults.sentence(raw) == said
