"""The geometry of bar charts. Templates draw them as SVG, without styles or scripts."""

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 720, 160


def stacked(moments: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> dict[str, Any]:
    """Stacked bars, one for each moment ({"at", "counts"}); a moment whose counts are None leaves a gap."""
    sums = [sum(_count(moment, kind) for kind in kinds) for moment in moments]
    most = max(sums, default=0)
    step = WIDTH / max(1, len(moments))
    bars = [
        {**moment, "parts": _parts(moment, kinds, most), "x": round(n * step, 2), "width": round(step * 0.85, 2)}
        for n, moment in enumerate(moments)
        if moment["counts"] is not None
    ]
    totals = {kind: sum(_count(moment, kind) for moment in moments) for kind in kinds}
    last = next((moment["counts"] for moment in reversed(moments) if moment["counts"] is not None), {})
    return {
        "since": moments[0]["at"] if moments else None,
        "bars": bars,
        "most": most,
        "kinds": kinds,
        "totals": totals,
        "last": last,
        "width": WIDTH,
        "height": HEIGHT,
    }


def _count(moment: Mapping[str, Any], kind: str) -> int:
    return int((moment["counts"] or {}).get(kind, 0))


def _parts(moment: Mapping[str, Any], kinds: Sequence[str], most: int) -> list[dict[str, Any]]:
    parts, below = [], 0.0
    for kind in kinds:
        count = _count(moment, kind)
        height = count / most * HEIGHT if most else 0.0
        below += height
        if count:
            parts.append({"kind": kind, "count": count, "y": round(HEIGHT - below, 2), "height": round(height, 2)})
    return parts


def across(rows: Sequence[Mapping[str, Any]], amount: str, limit: str = "") -> list[dict[str, Any]]:
    """Horizontal bars, one for each row: its ``amount`` before its ``limit``; widths are in percent."""
    most = max((max(row[amount], row.get(limit, 0)) for row in rows), default=0) or 1
    return [
        {
            "name": row["node"],
            "amount": row[amount],
            "limit": row.get(limit),
            "width": round(row[amount] / most * 100, 2),
            "limit_width": round(row.get(limit, 0) / most * 100, 2),
        }
        for row in rows
    ]
