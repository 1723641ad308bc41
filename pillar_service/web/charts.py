"""The charts of a bot: which figures each shows, how values are written, and a summary in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pillar_service.core.bots.series import Span
from pillar_service.web import drawing, figures

SPANS = {Span.HOUR: "1 hour", Span.DAY: "1 day", Span.MONTH: "30 days", Span.YEAR: "1 year"}
"""The spans, as the links to them are labelled."""

SPARK_POINTS = 96


class Chart(NamedTuple):
    """One chart: its name, its lines (key in the series, label), and how a value is written."""

    name: str
    lines: tuple[tuple[str, str], ...]
    shown: Callable[[float], str]
    base: int = 10
    limited: bool = False


def _count(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def _rate(value: float) -> str:
    return f"{figures.size(value)}/s"


CHARTS = {
    "memory": Chart("Memory", (("memory", "mean"), ("memory_max", "most")), figures.size, base=2, limited=True),
    "bandwidth": Chart("Bandwidth", (("rx_per_s", "received"), ("tx_per_s", "sent")), _rate, base=2),
    "peers": Chart("Peers", (("peers", "peers"),), _count),
    "disk": Chart("Disk", (("disk", "used"),), figures.size, base=2),
}


class Summary(NamedTuple):
    """One line of a chart in words: least, mean, most and last value; 'unknown' if no value is known."""

    name: str
    least: str
    mean: str
    most: str
    last: str


def summary(told: Mapping[str, Any]) -> list[Summary]:
    """The summaries of all charts of a series, for people who can't see the charts."""
    rows = []
    for chart in CHARTS.values():
        for key, called in chart.lines:
            name = chart.name if len(chart.lines) == 1 else f"{chart.name}, {called}"
            rows.append(Summary(name, *_words([value for value in told[key] if value is not None], chart.shown)))
    return rows


def _words(values: Sequence[float], shown: Callable[[float], str]) -> tuple[str, str, str, str]:
    if not values:
        return ("unknown",) * 4
    return shown(min(values)), shown(sum(values) / len(values)), shown(max(values)), shown(values[-1])


def svg(figure: str, span: Span, told: Mapping[str, Any]) -> str:
    """A chart of a series as SVG."""
    chart = CHARTS[figure]
    return drawing.chart(
        drawing.Drawing(
            title=f"{chart.name}, {SPANS[span]}",
            at=told["at"],
            lines=[(called, told[key]) for key, called in chart.lines],
            shown=chart.shown,
            base=chart.base,
            limit=told["memory_limit"] if chart.limited else None,
            restarts=told["restarts"],
        )
    )


def spark(figure: str, told: Mapping[str, Any]) -> str:
    """The first line of a chart alone as a small SVG, for the dashboard."""
    chart = CHARTS[figure]
    line = told[chart.lines[0][0]]
    each = -(-len(line) // SPARK_POINTS)
    return drawing.spark(
        f"{chart.name}, {SPANS[Span.DAY]}", [_mean(line[n : n + each]) for n in range(0, len(line), each)]
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
