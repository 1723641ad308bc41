"""On a full disk a process goes on without its figures: writing to unallocated blocks of a file would kill it (SIGBUS)."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillar_service.metrics import telling

WORKER = """
import sys
from pathlib import Path
from pillar_service.metrics import counting, families

folder, when = Path(sys.argv[1]), sys.argv[2]

def fill():
    try:
        with (folder / "full").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        pass

if when == "before":
    fill()
counting.begin(folder / "metrics", "public")
counting.work_begins()
if when == "after":
    fill()
for n in range(50):
    counting.count(families.ANSWERS, "2xx")
    counting.observe(families.DURATION, n, f"command-{n}", "succeeded")
print("lives")
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", tmp_path], check=True)
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize(("when", "counted"), [("before", False), ("after", True)])
def test_a_process_outlives_a_disk_that_is_full(small: Path, when: str, counted: bool) -> None:
    done = subprocess.run([sys.executable, "-c", WORKER, small, when], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "lives\n"), done.stderr
    told = telling.text(small / "metrics", {}).decode()
    assert ('cellar_answers_total{app="public",status="2xx"} 50.0' in told) == counted
