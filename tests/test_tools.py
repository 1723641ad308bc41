"""Whatever our scripts fetch from PyPI is pinned by hashes."""

import re
import subprocess
from pathlib import Path

import pytest

VAGRANT = Path(__file__).parent.parent / "vagrant"
LOCKS = sorted((VAGRANT / "tools").glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_each_package_of_a_tool_has_a_version_and_hashes(lock: Path) -> None:
    pins = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert all(re.match(r"\S+==\S+ (; .*)?\\\n +--hash=sha256:[0-9a-f]{64}", pin) for pin in pins), pins
    named = {line.split("==")[0].split("[")[0] for line in lock.with_suffix(".in").read_text().split()}
    assert named <= {pin.split("==")[0].split("[")[0] for pin in pins}


def test_no_script_installs_what_is_not_pinned() -> None:
    """pip needs hashes or installs what is already here (`--no-deps -e`, a release's wheels); uv runs nothing from PyPI."""
    lines = [line for file in VAGRANT.glob("*.sh") for line in file.read_text().splitlines()]
    installs = [line for line in lines if "pip install" in line or 'pip" install' in line]
    loose = [line for line in installs if "--require-hashes" not in line and "-e " not in line]
    assert (len(installs) >= 3, loose) == (True, [])
    assert not [line for line in lines if "tool run" in line]


def test_a_tool_that_is_not_there_is_named() -> None:
    done = subprocess.run([VAGRANT / "tool.sh", "hammer"], capture_output=True, text=True, check=False)
    assert (done.returncode, "NAME is one of: audit moto sbom uv" in done.stderr) == (1, True), done.stderr
