"""The master's schedule, run by Salt's own scheduler as in a master."""

import sys
from pathlib import Path

import salt.config
import salt.loader
import salt.utils.schedule
import yaml

sys.path.insert(0, str(Path(__file__).parent.parent / "master"))  # for wire_service.py

TOP = Path(__file__).resolve().parents[2]
SHIPPED = TOP / "salt" / "master.d" / "saltcellar.conf"


def scheduler(tmp_path: Path, url: str) -> salt.utils.schedule.Schedule:
    """A scheduler with the shipped schedule, for a master in its own folder."""
    token = tmp_path / "token"
    token.write_text("a-token")
    told = {
        **yaml.safe_load(SHIPPED.read_text()),
        "root_dir": str(tmp_path),
        "sock_dir": str(tmp_path / "sock"),
        "log_file": str(tmp_path / "log"),
        "runner_dirs": [str(TOP / "runners")],
        "saltcellar": {"url": url, "token_file": str(token)},
    }
    file = tmp_path / "master"
    file.write_text(yaml.safe_dump(told))
    opts = salt.config.master_config(str(file))
    return salt.utils.schedule.Schedule(opts, salt.loader.runner(opts), returners={}, new_instance=True)


def test_the_schedule_runs_a_runner_that_there_is(tmp_path: Path) -> None:
    """Looks the names up as a master does; there, an unknown name would only be logged."""
    told = scheduler(tmp_path, "http://127.0.0.1:1")
    jobs = told.opts["schedule"]
    assert set(jobs) == {"payments", "bots_purge", "retention"}
    assert all(job["function"] in told.functions for job in jobs.values())
    assert (jobs["payments"]["hours"], jobs["payments"]["return_job"]) == (1, False)


def test_the_scheduler_asks_the_service_at_once_and_returns_nothing(tmp_path: Path) -> None:
    import wire_service as wire

    answer = wire.answer("200 OK", b'{"accounts": 0, "steps": [], "failures": []}')
    with wire.served(answer) as service:
        told = scheduler(tmp_path, service.url)
        told.opts["run_schedule_jobs_in_background"] = False
        for _ in range(2):
            told.eval()
        asked = [request.split(b"\r\n")[0] for request in service.requests]
    assert sorted(asked) == [b"POST /payments/run HTTP/1.1", b"POST /purges HTTP/1.1", b"POST /retention HTTP/1.1"]
