"""Charts as SVG text, for browsers without script and for the small charts on the dashboard. Pure functions."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from itertools import groupby

WIDTH, HEIGHT = 520, 240
LEFT, RIGHT, TOP, BOTTOM = 82, 10, 34, 26
"""The margins around the lines, which hold the labels."""

STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#515a68}path,line{fill:none;stroke-width:2;stroke-linecap:round}"
    ".grid{stroke:#515a68;stroke-opacity:.3;stroke-width:1}.one{stroke:#1d5c56}.two{stroke:#8a4b00;stroke-dasharray:5 4}"
    ".limit{stroke:#a3261c;stroke-dasharray:10 5}.restart{stroke:#515a68;stroke-width:1.5;stroke-dasharray:1 5}"
    "@media(prefers-color-scheme:dark){text{fill:#a9b3c1}.grid,.restart{stroke:#a9b3c1}.one{stroke:#8fd0c6}"
    ".two{stroke:#efc06b}.limit{stroke:#ff9d92}}"
)
POLICY = f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""The Content-Security-Policy of a drawing: it allows the drawing's own style alone."""

TICKS = {3600: (600, "%H:%M"), 86_400: (4 * 3600, "%H:%M"), 30 * 86_400: (5 * 86_400, "%d %b")}
LATER_TICKS = (61 * 86_400, "%b %Y")
"""For each length of a chart in seconds: how far apart the labels of the time axis are, and their format."""

Values = Sequence[float | None]


@dataclass(frozen=True)
class Drawing:
    """What a chart shows: moments, lines (name, and a value or None for each moment), a limit, restarts."""

    title: str
    at: Sequence[int]
    lines: Sequence[tuple[str, Values]]
    shown: Callable[[float], str]
    base: int = 10
    """10: the scale's steps are 1, 2 or 5 times a power of ten. 2: they are powers of two."""
    limit: float | None = None
    restarts: Sequence[int] = field(default_factory=list)


def chart(drawing: Drawing) -> str:
    """A whole chart: scale, labels, legend and lines. A gap in the values is a gap in the line."""
    width = drawing.at[1] - drawing.at[0]
    start, end = drawing.at[0], drawing.at[-1] + width
    values = [value for _, line in drawing.lines for value in line if value is not None]
    scale = ticks(max([*values, drawing.limit or 0]), drawing.base)

    def across(moment: float) -> float:
        return LEFT + (moment - start) / (end - start) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - value / scale[-1] * (HEIGHT - TOP - BOTTOM)

    parts = [*_scale(drawing, scale, up), *_times(start, end, across)]
    parts += [_vertical("restart", across(moment)) for moment in drawing.restarts]
    if drawing.limit:
        parts.append(_horizontal("limit", up(drawing.limit)))
    places = [across(moment + width / 2) for moment in drawing.at]
    for style, (_, line) in zip(("one", "two"), drawing.lines, strict=False):
        parts.append(f'<path class="{style}" d="{path(places, line, up)}"/>')
    parts += _legend(drawing)
    if not values:
        parts.append(
            f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT / 2}" text-anchor="middle">Nothing was heard yet</text>'
        )
    return _svg(WIDTH, HEIGHT, drawing.title, parts)


def spark(title: str, line: Values, width: int = 120, height: int = 32) -> str:
    """A line alone, as small as a word, for the dashboard."""
    most = max((value for value in line if value is not None), default=0) or 1
    places = [2 + n * (width - 4) / max(1, len(line) - 1) for n in range(len(line))]
    drawn = path(places, line, lambda value: height - 2 - value / most * (height - 4))
    return _svg(width, height, title, [f'<path class="one" d="{drawn}"/>'])


def path(places: Sequence[float], line: Values, up: Callable[[float], float]) -> str:
    """The SVG path through the known values: a new stroke begins after each gap, and a single value is a dot."""
    points = list(zip(places, line, strict=True))
    strokes = []
    for known, run in groupby(points, key=lambda point: point[1] is not None):
        if known:
            drawn = [f"{x:.1f} {up(value or 0):.1f}" for x, value in run]
            strokes.append("M" + "L".join(drawn) + ("h0" if len(drawn) == 1 else ""))
    return "".join(strokes)


def ticks(most: float, base: int = 10) -> list[float]:
    """The scale's values, from 0 to at least ``most``: three to six even steps, round in tens or in powers of two."""
    if base == 2:
        step = 2.0 ** max(0, (max(most, 1) / 6).__ceil__().bit_length() - 1)
        while step * 5 < most:
            step *= 2
    else:
        step, power = 1.0, 1.0
        while step * 5 < most:
            step, power = next(((n * power, power) for n in (1, 2, 5) if n * power * 5 >= most), (step, power * 10))
    count = max(1, (most / step).__ceil__())
    return [n * step for n in range(count + 1)]


def _scale(drawing: Drawing, scale: Sequence[float], up: Callable[[float], float]) -> Iterator[str]:
    for value in scale:
        y = up(value)
        yield _horizontal("grid", y)
        yield f'<text x="{LEFT - 6}" y="{y + 5:.1f}" text-anchor="end">{escape(_short(drawing.shown(value)))}</text>'


def _short(written: str) -> str:
    return written.replace(".0 ", " ")


def _times(start: int, end: int, across: Callable[[float], float]) -> Iterator[str]:
    apart, form = TICKS.get(end - start, LATER_TICKS)
    for moment in range(-(-start // apart) * apart, end, apart):
        x = across(moment)
        if LEFT + 18 <= x <= WIDTH - 30:
            written = datetime.fromtimestamp(moment, UTC).strftime(form)
            yield f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{written}</text>'


def _legend(drawing: Drawing) -> Iterator[str]:
    named = [(style, name) for style, (name, _) in zip(("one", "two"), drawing.lines, strict=False)]
    if drawing.limit:
        named.append(("limit", f"limit {drawing.shown(drawing.limit)}"))
    if drawing.restarts:
        named.append(("restart", "restart"))
    x = float(LEFT)
    for style, name in named:
        yield f'<line class="{style}" x1="{x:.0f}" x2="{x + 24:.0f}" y1="13" y2="13"/>'
        yield f'<text x="{x + 30:.0f}" y="18">{escape(name)}</text>'
        x += 48 + 7.5 * len(name)


def _horizontal(style: str, y: float) -> str:
    return f'<line class="{style}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _vertical(style: str, x: float) -> str:
    return f'<line class="{style}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><title>{escape(title)}</title><style>{STYLE}</style>{"".join(parts)}</svg>'
    )
