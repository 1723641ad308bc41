"""What a node makes of an order to become another version that it finds when it starts."""

import json
from pathlib import Path

import pytest

from pillar_service.node.paths import Home
from pillar_service.node.told import Told
from pillar_service.node.upgrading.duty import Upgrading, state


@pytest.mark.parametrize("is_under_way", [False, True])
def test_a_change_over_that_nobody_began_has_failed(home: Home, tmp_path: Path, is_under_way: bool) -> None:
    home.state.mkdir(parents=True)
    (home.state / "upgrade.json").write_text(
        json.dumps({"order": "a-1", "version": "9", "state": "switching", "why": ""})
    )
    if is_under_way:
        (tmp_path / "switching").write_text("1 2 state made")
    Upgrading(home, Told, tmp_path).run(0.0)
    found = state(home)
    assert found["order"] == "a-1"
    assert (found["state"] == "switching") == is_under_way
    assert ("before it changed over" in found["why"]) != is_under_way
