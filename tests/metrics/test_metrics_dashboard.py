"""The Grafana dashboard, as far as it can be checked without Grafana: promtool parses each of its queries."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pillar_service.metrics.families import COUNTED, READ

DASHBOARD = json.loads((Path(__file__).parent.parent.parent / "docs" / "dashboard.json").read_text())
MISSING = "These tests need Prometheus' own promtool: run `apt-get install prometheus` (vagrant/packages.sh test does)."


def panels() -> Iterator[dict[str, Any]]:
    yield from (panel for panel in DASHBOARD["panels"] if panel["type"] != "row")


def questions() -> list[str]:
    return [target["expr"].replace("$__rate_interval", "5m") for panel in panels() for target in panel["targets"]]


def test_it_shows_every_metric_that_is_told_and_no_other() -> None:
    asked = {name for question in questions() for name in re.findall(r"\bcellar_\w+", question)}
    assert {re.sub("_(count|sum|bucket)$", "", name) for name in asked} == {one.name for one in (*COUNTED, *READ)}


def test_it_asks_only_for_labels_that_a_metric_has() -> None:
    labels = {label for family in (*COUNTED, *READ) for label in family.labels} | {"app", "le"}
    for panel in panels():
        for target in panel["targets"]:
            named = re.findall(r"{{(\w+)}}", target["legendFormat"])
            named += [name for some in re.findall(r"by \(([^)]*)\)", target["expr"]) for name in some.split(", ")]
            assert set(named) <= labels, panel["title"]


def test_prometheus_understands_each_question(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    assert promtool, MISSING
    rules = [{"record": f"panel:{n}", "expr": question} for n, question in enumerate(questions())]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    command = [promtool, "check", "rules", tmp_path / "panels.yml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_panel_has_a_place_of_its_own_and_says_what_it_shows() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        mine = {(x, y) for x in columns for y in rows}
        assert not mine & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= mine
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["title"] and panel["description"].endswith(".") for panel in panels())


def test_it_asks_whichever_prometheus_is_chosen() -> None:
    [variable] = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("datasource", "datasource")
    assert {panel["datasource"]["uid"] for panel in panels()} == {"${datasource}"}
