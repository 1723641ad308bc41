"""`make restore` passes its arguments to the service's own command, and starts nothing before that has succeeded."""

import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


def restored(folder: Path, *told: str) -> "subprocess.CompletedProcess[str]":
    """Run `make restore` for a place in that folder."""
    (folder / "password").write_text("only for tests\n")
    (folder / "password").chmod(0o600)
    # a node's name that no other copy on this engine has
    place = os.environ | {"CELLAR_DIR": str(folder / "place"), "CELLAR_NODE": "restored-1"}
    command = ["make", "-s", "-C", str(TOP), "restore", f"PASSWORD_FILE={folder}/password", *told]
    return subprocess.run(command, env=place, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (("FROM={folder}/kept", "WITH=--snapshot deadbeef --s3-file {folder}/keys"), "There is no repository at"),
        (("FROM={folder}/kept", "WITH=--another"), "No such option '--another'"),
        (("FROM=",), "Say from where"),
    ],
)
def test_options_reach_the_command(tmp_path: Path, told: tuple[str, ...], said: str) -> None:
    done = restored(tmp_path, *(word.format(folder=tmp_path) for word in told))
    assert done.returncode != 0
    assert said in done.stdout + done.stderr, done.stdout + done.stderr
    assert not (tmp_path / "place" / "service").exists()


def test_a_command_with_blanks_is_one_option(tmp_path: Path) -> None:
    done = restored(
        tmp_path, "FROM=sftp:nobody@nowhere.test:/kept", f"WITH=--sftp-command 'touch {tmp_path}/was-called'"
    )
    assert "unable to start the sftp session" in done.stdout + done.stderr
    assert (tmp_path / "was-called").exists()
