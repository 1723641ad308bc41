"""The alerts, judged by Prometheus' own promtool; their metrics exist, and each alert is explained."""

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

from pillar_service.metrics.families import COUNTED, READ

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "salt" / "prometheus" / "alerts.yml"
CASES = Path(__file__).parent / "alerts.yml"
PAGE = ROOT / "docs" / "alerts.md"
MISSING = "These tests need Prometheus' own promtool: run `apt-get install prometheus` (vagrant/packages.sh test does)."


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def promtool(*words: object) -> None:
    program = shutil.which("promtool")
    assert program, MISSING
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules_and_the_configuration() -> None:
    promtool("check", "rules", RULES)
    promtool("check", "config", "--syntax-only", RULES.with_name("prometheus.yml"))


def test_each_alert_fires_when_it_should_and_keeps_still_before() -> None:
    promtool("test", "rules", CASES)
    expected = defaultdict(set)
    for case in yaml.safe_load(CASES.read_text())["tests"]:
        for one in case["alert_rule_test"]:
            expected[one["alertname"]].add(bool(one["exp_alerts"]))
    assert expected == {rule["alert"]: {True, False} for rule in rules()}


def test_each_alert_asks_for_a_metric_that_is_told() -> None:
    known = {family.name for family in (*COUNTED, *READ)}
    for rule in rules():
        asked = {re.sub("_(count|sum|bucket)$", "", name) for name in re.findall(r"\bcellar_\w+", rule["expr"])}
        assert asked <= known, rule["alert"]
        assert asked or rule["expr"].startswith("up{"), rule["alert"]


def test_each_alert_says_what_happened_how_grave_it_is_and_where_to_read_on() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "mend"), rule["alert"]
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}"


def test_the_page_tells_of_each_alert_and_no_other_what_to_do() -> None:
    sections = dict(re.findall(r"^### (\w+)\n\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    assert list(sections) == [rule["alert"] for rule in rules()]
    for name, section in sections.items():
        assert re.search(r"^1\. ", section, re.MULTILINE), f"{name} has no first step"
