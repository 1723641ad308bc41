"""The table, and the machine that it was made on."""

import os
import platform
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

COLUMNS = ("what", "figure", "unit", "ratio", "gate", "")


@dataclass(frozen=True)
class Row:
    """One line of the table. ``met`` is None where nothing is asked."""

    what: str
    figure: str
    unit: str
    ratio: str = ""
    gate: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """What stands in the columns."""
        verdict = {None: "", True: "met", False: "missed"}[self.met]
        return self.what, self.figure, self.unit, self.ratio, self.gate, verdict


@dataclass(frozen=True)
class Result:
    """What became of one benchmark: its rows, or why it could not run."""

    name: str
    how: str
    rows: list[Row]
    seconds: float
    failure: str | None = None


def table(rows: Iterable[Row]) -> str:
    """The rows in columns, as Markdown that can be read as it stands."""
    lines = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    written = [_line(line, widths) for line in lines]
    return "\n".join([written[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *written[1:]])


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def machine() -> str:
    """The machine, the versions, the date and how busy it is before anything is measured."""
    cpu = _value(Path("/proc/cpuinfo"), "model name")
    memory = int(_value(Path("/proc/meminfo"), "MemTotal").split()[0]) / 1024**2
    docker = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=False
    )
    return "\n".join(
        (
            f"- {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}; load before the start: "
            f"{', '.join(f'{load:.2f}' for load in os.getloadavg())}",
            f"- {cpu}, {os.cpu_count()} cores, {memory:.1f} GiB, Linux {platform.release()}",
            f"- Python {platform.python_version()}, Salt {version('salt')}, Flask {version('flask')}, "
            f"gunicorn {version('gunicorn')}, Docker {docker.stdout.strip() or 'none'}",
        )
    )


def _value(file: Path, key: str) -> str:
    found = (line.partition(":")[2].strip() for line in file.read_text().splitlines() if line.startswith(key))
    return next(found, "unknown")


def write(file: Path, about: str, results: list[Result]) -> None:
    """Writes what was measured, how and where."""
    parts = ["# Benchmarks", "", "Made by `make bench`; the next run writes this file anew.", "", about, ""]
    parts += ["Figures are medians over the rounds (least to most); ratios are taken within each round.", ""]
    for result in results:
        parts += [f"## {result.name}", "", result.how, ""]
        parts += [table(result.rows)] if result.rows else []
        parts += [f"Could not run: {result.failure}"] if result.failure else []
        parts += ["", f"Took {result.seconds:.0f} s.", ""]
    file.write_text("\n".join(parts))
