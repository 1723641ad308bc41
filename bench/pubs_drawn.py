"""Draws the figures of `pubs`: memory, start time and health delay over the number of pubs."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from bench.pubs import Step

FILE = Path(__file__).parents[1] / "docs" / "pubs.svg"
INK, PALE = "#1f5fa8", "#b7cfe8"


def draw(found: "Sequence[Step]", file: Path = FILE) -> None:
    """Draw the steps into a file; the same figures give the same bytes."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "pubs", "font.size": 10})
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    memory, start, delay = figure.subplots(1, 3)
    pubs = [step.pubs for step in found]
    memory.plot(pubs, [step.pss for step in found], "o-", color=INK, label="PSS")
    memory.plot(pubs, [step.own for step in found], "s--", color="#8a8a8a", label="its cgroup, without page cache")
    memory.legend(frameon=False, fontsize=8, loc="lower right")
    _spread(start, pubs, [step.starts for step in found])
    _spread(delay, pubs, [step.delays for step in found])
    titles = ("Memory of each pub, MiB", "One more pub, until it answers, s", "It hangs, until shown as sick, s")
    for axes, title in zip((memory, start, delay), titles, strict=True):
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("pubs on one node")
        axes.set_ylim(0, 1.15 * axes.dataLim.y1)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, format="svg", metadata={"Date": None})


def _spread(axes: Axes, pubs: list[int], seconds: list[list[float]]) -> None:
    """Draw the medians, and a pale band from least to most."""
    axes.fill_between(pubs, [min(each) for each in seconds], [max(each) for each in seconds], color=PALE, linewidth=0)
    axes.plot(pubs, [statistics.median(each) for each in seconds], "o-", color=INK)
