"""The real Prometheus, with the shipped configuration, scrapes the real server and learns what is missing."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from ports import free_port
from processes import Process, served

from pillar_service.store import database
from pillar_service.usecases.nodes import facts

SHIPPED = Path(__file__).parent.parent.parent / "salt" / "prometheus"
MISSING = "These tests need Prometheus: run `apt-get install prometheus` (vagrant/packages.sh test does)."


class Prometheus:
    """Debian's Prometheus with the shipped configuration, except for addresses and intervals."""

    def __init__(self, folder: Path, service: str, token: Path) -> None:
        program = shutil.which("prometheus")
        assert program, MISSING
        folder.mkdir()
        told = (SHIPPED / "prometheus.yml").read_text()
        for shipped, here in (
            ("127.0.0.1:8081", service),
            ("/etc/prometheus/saltcellar.token", str(token)),
            ("15s", "1s"),
        ):
            assert shipped in told
            told = told.replace(shipped, here)
        (folder / "prometheus.yml").write_text(told)
        shutil.copy(SHIPPED / "alerts.yml", folder)
        self.url = f"http://127.0.0.1:{free_port()}"
        options = {"config.file": folder / "prometheus.yml", "storage.tsdb.path": folder / "data"}
        options["web.listen-address"] = self.url.removeprefix("http://")
        command = [program, *(f"--{name}={value}" for name, value in options.items())]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, start_new_session=True)

    def ask(self, path: str, **asked: str) -> Any:
        return requests.get(f"{self.url}/api/v1/{path}", params=asked, timeout=5).json()["data"]

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def value(self, query: str) -> float | None:
        """The current value of a query; None without an answer."""
        try:
            found = self.ask("query", query=query)["result"]
        except requests.RequestException:  # It is still starting.
            return None
        return float(found[0]["value"][1]) if found else None

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)


def until(look: Callable[[], bool], seconds: float = 30) -> None:
    over = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < over, "it did not come so"
        time.sleep(0.2)


@pytest.fixture
def prometheus(process: Process, tmp_path: Path) -> Iterator[Prometheus]:
    served(process, tmp_path)
    _tell_where_a_node_is(process)
    token = tmp_path / "prometheus.token"
    assert process.run("master-token", "prometheus", "--file", str(token)).returncode == 0
    made = Prometheus(tmp_path / "prometheus", process.url.removeprefix("http://"), token)
    yield made
    made.stop()


def _tell_where_a_node_is(process: Process) -> None:
    database.connect(process.environment["CELLAR_DATABASE"])
    told = facts.read({"facts": {"grains": {"fqdn": "cellar-1.invalid"}}})  # RFC 6761: .invalid never resolves
    with database.transaction():
        facts.hear("cellar-1", [("cellar-1/1/1", told)], time.time())
    database.release()


def test_prometheus_scrapes_the_service_finds_its_nodes_and_sees_it_die(
    prometheus: Prometheus, process: Process
) -> None:
    until(lambda: prometheus.value("cellar_ready") == 1)
    assert prometheus.value('cellar_workers{app="private"}') == 2
    assert prometheus.value('up{job="saltcellar"}') == 1
    until(lambda: prometheus.value('up{job="saltcellar-nodes", node="cellar-1"}') == 0)  # found, but not reached
    until(lambda: all(rule["health"] == "ok" for rule in prometheus.rules()))
    assert len(prometheus.rules()) == (SHIPPED / "alerts.yml").read_text().count("- alert:")
    process.kill(signal.SIGKILL)
    until(lambda: prometheus.value('up{job="saltcellar"}') == 0)
    until(lambda: prometheus.value('ALERTS{alertname="CellarDown", alertstate="pending"}') == 1)
