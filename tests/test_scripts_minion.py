"""Starting a place waits for a minion that is slow on a busy machine."""

import os
import subprocess
from pathlib import Path

VAGRANT = Path(__file__).parent.parent / "vagrant"
# Stand-ins for Salt: a minion that makes its key and stays up, and a master whose first sync gets no answer.
PYTHON = """#!/bin/bash
[[ $* != *salt-minion* ]] || { echo key >"$CELLAR_DIR/etc/salt/pki/minion/minion.pub"; exec sleep 60; }
"""
SALT = """#!/bin/bash
[[ $* != *test.ping* ]] || echo 'here-1: True'
[[ $* != *sync_all* || -e $CELLAR_DIR/asked ]] || { touch "$CELLAR_DIR/asked"; echo 'Minion did not return.'; exit 1; }
"""


def test_a_minion_that_says_late_that_it_synced(tmp_path: Path) -> None:
    stand_in(tmp_path, "python", PYTHON)
    stand_in(tmp_path, "salt", SALT)
    master = (
        '(cd "$CELLAR_DIR"; mkdir -p run etc/salt/pki/master/minions; echo key >etc/salt/pki/master/saltcellar.pub)'
    )
    begin = f'. $v/settings.sh; . $v/minion.sh; bin={tmp_path}; {master}; start_process master "$(command -v sleep)" 60'
    start = 'start_minion minion here-1 "$salt_etc" "$CELLAR_DIR/node"'
    told = bash(tmp_path, f"{begin}; trap 'stop_process minion; stop_process master' EXIT; {start}; is_ready minion")
    assert (told.returncode, told.stderr) == (0, "")
    assert (tmp_path / "place" / "asked").exists()


def stand_in(folder: Path, name: str, code: str) -> None:
    (folder / name).write_text(code)
    (folder / name).chmod(0o700)


def bash(folder: Path, code: str) -> "subprocess.CompletedProcess[str]":
    (folder / "place").mkdir()
    settings = {"CELLAR_DIR": str(folder / "place"), "CELLAR_NODE": "here-1", "v": str(VAGRANT)}
    return subprocess.run(["bash", "-c", code], env=os.environ | settings, capture_output=True, text=True, timeout=60)
