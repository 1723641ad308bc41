"""Scripts among the tests that are run by hand, and campaigns, which seldom run, find what they need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TOUR = f'. {TESTS.parent / "vagrant/demo-settings.sh"}; exec "$@"'
ALONE = {
    "browser/demo_pictures.py": ["bash", "-c", TOUR, "-"],
    "browser/screenshots.py": [],
    "contract/record.py": [],
    "store/released/dump.py": [],
}
"""Each such script, and the command that Python is started with."""
LOAD = "import runpy, sys; sys.path[0] = sys.argv[1]; runpy.run_path(sys.argv[2], run_name='looked_at')"


@pytest.mark.parametrize("script", ALONE)
def test_a_script_finds_what_it_needs(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLAR_DIR", str(tmp_path / "cellar"))
    whole = TESTS / script
    words = [*ALONE[script], sys.executable, "-c", LOAD, str(whole.parent), str(whole)]
    done = subprocess.run(words, cwd=TESTS, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_whatever_can_be_called_is_here() -> None:
    called = [path for path in TESTS.rglob("*.py") if '\nif __name__ == "__main__":' in path.read_text()]
    assert sorted(str(path.relative_to(TESTS)) for path in called) == sorted(ALONE)


def test_each_campaign_finds_its_fixtures() -> None:
    """Looks up the fixtures of all campaigns without running any: `make campaigns` takes hours and seldom runs."""
    rooms = [f"tests/{room}" for room in ("browser", "integration", "image", "states")]
    plan = ["-q", "-p", "no:cacheprovider", "--setup-plan", "-m", "campaign", *rooms]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    words = [sys.executable, "-m", "pytest", *plan]
    done = subprocess.run(words, cwd=TESTS.parent, env=alone, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "place" in done.stdout, "nothing is planned: this shows nothing"
