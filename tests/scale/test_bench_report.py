"""bench/results.md: running a single benchmark leaves the figures of all others unchanged."""

from bench import report
from bench.report import Result, Row

ORDER = ["pillar", "pages", "many"]
WHEN = "2026-11-29 08:00 UTC; load before the start: 0.10, 0.20, 0.30"


def result(name: str, figure: str, failure: str | None = None) -> Result:
    return Result(name, f"How {name} is measured.", [Row(name, figure, "s")] if not failure else [], 3, failure)


def test_one_section_is_replaced_and_says_when() -> None:
    kept = report.whole("- a machine", [result("pillar", "11"), result("many", "22")])
    told = report.merged(kept, [result("many", "33")], ORDER, WHEN)
    assert told.partition("## many")[0] == kept.partition("## many")[0]
    assert "22" not in told
    assert f"## many\n\nMeasured apart from the rest: {WHEN}.\n\nHow many is measured." in told
    assert report.merged(told, [], ORDER, WHEN) == told


def test_a_new_section_comes_where_it_belongs() -> None:
    kept = report.whole("- a machine", [result("pillar", "11"), result("many", "22")])
    told = report.merged(kept, [result("pages", "33")], ORDER, WHEN)
    assert report.SECTION.findall(told) == ORDER


def test_what_could_not_run_leaves_the_figures_there_were() -> None:
    kept = report.whole("- a machine", [result("many", "22")])
    assert report.merged(kept, [result("many", "", "TimeoutError: no")], ORDER, WHEN) == kept
    assert "Could not run: TimeoutError: no" in report.merged(
        kept, [result("pages", "", "TimeoutError: no")], ORDER, WHEN
    )
