"""The report: tables, and the machine on which they were measured."""

import os
import platform
import re
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

COLUMNS = ("what", "figure", "unit", "ratio", "gate", "")


@dataclass(frozen=True)
class Row:
    """One line of the table. ``met`` is None if there is no gate."""

    what: str
    figure: str
    unit: str
    ratio: str = ""
    gate: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """The texts in the columns."""
        verdict = {None: "", True: "met", False: "missed"}[self.met]
        return self.what, self.figure, self.unit, self.ratio, self.gate, verdict


@dataclass(frozen=True)
class Result:
    """The outcome of one benchmark: its rows, or why it could not run."""

    name: str
    how: str
    rows: list[Row]
    seconds: float
    failure: str | None = None


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table, padded so that it can be read as it is."""
    lines = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    written = [_line(line, widths) for line in lines]
    return "\n".join([written[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *written[1:]])


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def machine() -> str:
    """The machine, the versions, the date, and how busy the machine is before anything is measured."""
    cpu = _value(Path("/proc/cpuinfo"), "model name")
    memory = int(_value(Path("/proc/meminfo"), "MemTotal").split()[0]) / 1024**2
    docker = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=False
    )
    return "\n".join(
        (
            f"- {moment()}",
            f"- {cpu}, {os.cpu_count()} cores, {memory:.1f} GiB, Linux {platform.release()}",
            f"- Python {platform.python_version()}, Salt {version('salt')}, Flask {version('flask')}, "
            f"gunicorn {version('gunicorn')}, Docker {docker.stdout.strip() or 'none'}",
        )
    )


def moment() -> str:
    """The time now, and how busy the machine is."""
    load = ", ".join(f"{load:.2f}" for load in os.getloadavg())
    return f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}; load before the start: {load}"


def _value(file: Path, key: str) -> str:
    found = (line.partition(":")[2].strip() for line in file.read_text().splitlines() if line.startswith(key))
    return next(found, "unknown")


HEAD = """# Benchmarks

Made by `make bench`, which writes this file anew; `python -m bench NAME` replaces that section alone.

{about}

Figures are medians over the rounds (least to most); ratios are taken within each round.
"""
SECTION = re.compile(r"^## (\S+)$", re.MULTILINE)


def whole(about: str, results: list[Result]) -> str:
    """The text of the file after a run of all benchmarks."""
    return "\n".join([HEAD.format(about=about), *(section(result) for result in results)])


def merged(kept: str, results: list[Result], order: Sequence[str], when: str) -> str:
    """The kept file with these sections in place of its own, each with its time; a failed benchmark changes none."""
    head, *parts = SECTION.split(kept)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    written = {name: f"## {name}{text.rstrip()}\n" for name, text in sections.items()}
    for result in results:
        if result.failure is None or result.name not in written:
            written[result.name] = section(result, when)
    places = {name: number for number, name in enumerate(order)}
    names = sorted(written, key=lambda name: places.get(name, len(places)))
    return "\n".join([f"{head.rstrip()}\n", *(written[name] for name in names)])


def section(result: Result, when: str = "") -> str:
    """The section of one benchmark."""
    parts = [f"## {result.name}", ""]
    parts += [f"Measured apart from the rest: {when}.", ""] if when else []
    parts += [result.how, ""]
    parts += [table(result.rows)] if result.rows else []
    parts += [f"Could not run: {result.failure}"] if result.failure else []
    return "\n".join([*parts, "", f"Took {result.seconds:.0f} s.", ""])
