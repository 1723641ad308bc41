"""What a node does with an order to change over to another version that it finds when it starts."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from pillar_service.node.paths import Home
from pillar_service.node.told import Told
from pillar_service.node.upgrading.duty import SWITCH, Upgrading, state


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
    assert ("before it switched" in found["why"]) != is_under_way


LAUNCHER = """#!/bin/sh
echo "$1 $(cat "$(dirname "$0")/../venv/version")" >>"$(dirname "$0")/said"
"""


def test_a_version_that_is_put_back_runs_though_the_disk_takes_nothing_more(home: Home, tmp_path: Path) -> None:
    home.state.mkdir(parents=True)
    told = home.state / "upgrade.json"
    told.write_text(json.dumps({"order": "a-1", "version": "9", "state": "switching", "why": ""}))
    for name, version in (("venv", "8"), ("venv.next", "9")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "version").write_text(version)
    launcher = tmp_path / "bin/saltcellar-node"
    launcher.parent.mkdir()
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    (home.state / "upgrade.json.part").mkdir()  # makes writing fail
    script = ["sh", str(SWITCH), str(tmp_path), str(told), "9 sum"]
    subprocess.run(script, env=os.environ | {"CELLAR_SWITCH_WAIT": "1"}, capture_output=True, check=False)
    said = (launcher.parent / "said").read_text().split("\n")
    assert said[:4] == ["stop 8", "start 9", "stop 9", "start 8"]
    Upgrading(home, Told, tmp_path).run(0.0)
    assert state(home)["state"] == "failed"
