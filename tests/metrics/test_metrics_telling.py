"""What is told about processes that have ended: an app whose processes were all killed must not look alive."""

import signal
import subprocess
import sys
from pathlib import Path

from pillar_service.metrics import telling

WORKER = """
import sys, time
from pathlib import Path
from pillar_service.metrics import counting, families
counting.begin(Path(sys.argv[1]), "public")
counting.work_begins()
counting.count(families.RECEIVED, "bots.create")
print("counted", flush=True)
time.sleep(60)
"""


def test_what_a_killed_process_counted_stays_and_it_is_not_alive(tmp_path: Path) -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"counted\n"
    assert 'cellar_workers{app="public"} 1.0' in telling.text(tmp_path, {}).decode()
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    told = telling.text(tmp_path, {}).decode()
    assert "cellar_workers{" not in told
    assert 'cellar_jobs_received_total{app="public",command="bots.create"} 1.0' in told


def test_a_process_of_this_boot_that_has_a_workers_number_is_not_that_worker(tmp_path: Path) -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"counted\n"
    (tmp_path / "public" / "boot").write_text("9c1b5b0e-0000-4000-8000-000000000000")  # as if counted before a reboot
    told = telling.text(tmp_path, {}).decode()
    worker.kill()
    worker.wait(10)
    assert "cellar_workers{" not in told
    assert 'cellar_jobs_received_total{app="public",command="bots.create"} 1.0' in told
