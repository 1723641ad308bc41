"""What stands among the tests and is called by itself finds what it needs, without pytest's own paths."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ALONE = ["browser/screenshots.py", "browser/demo_pictures.py", "contract/record.py", "store/released/dump.py"]


@pytest.mark.parametrize("script", ALONE)
def test_a_script_finds_what_it_needs(script: str) -> None:
    load = "import runpy, sys; sys.path[0] = sys.argv[1]; runpy.run_path(sys.argv[2], run_name='looked_at')"
    words = [sys.executable, "-c", load, str((TESTS / script).parent), str(TESTS / script)]
    done = subprocess.run(words, cwd=TESTS, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_whatever_can_be_called_is_here() -> None:
    called = [path for path in TESTS.rglob("*.py") if '\nif __name__ == "__main__":' in path.read_text()]
    assert sorted(str(path.relative_to(TESTS)) for path in called) == sorted(ALONE)
