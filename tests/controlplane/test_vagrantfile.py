"""Vagrant accepts the Vagrantfile; tests/integration/test_install.py runs the scripts that it calls."""

import os
import subprocess

from rendered import TOP


def test_vagrant_takes_the_vagrantfile(tmp_path):
    """Debian's vagrant has no providers of machines, so their parts are left out."""
    apart = {"VAGRANT_HOME": str(tmp_path / "home"), "VAGRANT_DOTFILE_PATH": str(tmp_path / "state")}
    command = ["vagrant", "validate", "--ignore-provider"]
    told = {"cwd": TOP / "vagrant", "env": os.environ | apart, "capture_output": True, "text": True, "check": False}
    done = subprocess.run(command, **told)
    assert (done.returncode, "validated successfully" in done.stdout) == (0, True), done.stdout + done.stderr
    for machine in ("plane", "shed", "attic"):
        assert f"{machine}: Ignoring provider" in done.stdout
