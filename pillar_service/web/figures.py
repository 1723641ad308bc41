"""Figures as people read them."""

import json
import time
from datetime import UTC, datetime

from flask import Flask

from pillar_service.core import names
from pillar_service.core.bots import happenings
from pillar_service.core.payments.payments import money
from pillar_service.core.people import browsers

STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))

GIST = 200
"""The most characters of an event's data that are shown."""


def duration(seconds: float | None) -> str:
    """A time span in its two largest units: 3725 is '1 h 2 min'."""
    if seconds is None:
        return "unknown"
    left, parts = int(seconds), []
    for step, unit in STEPS:
        if left >= step:
            parts.append(f"{left // step} {unit}")
            left %= step
    return " ".join(parts[:2]) or "0 s"


def size(amount: float | None) -> str:
    """Bytes in the unit that keeps them short: 1536 is '1.5 KiB'."""
    if amount is None:
        return "unknown"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def moment(at: float | None) -> str:
    """A time in UTC, to the minute."""
    return "never" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def ago(at: float | None) -> str:
    """How long ago something was."""
    return "never" if at is None else f"{duration(max(0.0, time.time() - at))} ago"


def gist(data: object) -> str:
    """The beginning of an event's data, as JSON."""
    text = json.dumps(data, ensure_ascii=False)[: 4 * GIST].encode("utf-8", "replace").decode()
    return names.fitting(text, GIST)


def deed(command: str) -> str:
    """A command in words, to be used within a sentence: 'bots.logs' is 'look at the container's log'."""
    told = happenings.words(command)
    return told[:1].lower() + told[1:]


def register(app: Flask) -> None:
    """Make these available to templates as filters."""
    for figure in (duration, size, moment, ago, money, deed, gist):
        app.add_template_filter(figure)
    app.add_template_filter(browsers.called, "browser")
