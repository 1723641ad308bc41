"""Wheels that nodes install from: which Pythons and processors a set of them supports, by their file names (PEP 427)."""

import re
from collections.abc import Iterable

ANY = "any"
WHEEL = re.compile(
    r"(?P<name>[^-/]+)-[^-/]+(?:-\d[^-/]*)?-(?P<python>[^-/]+)-(?P<abi>[^-/]+)-(?P<platform>[^-/]+)\.whl"
)
PYTHON = re.compile(r"cp3(\d+)", re.ASCII)
PROCESSOR = re.compile(r"linux(?:_\d+_\d+|\d+)?_(\w+)", re.ASCII)

Fit = tuple[str, str]
"""A Python (`3.11`) and a processor in the words of `uname -m` (`x86_64`); `any` where it does not matter."""


def fits(files: Iterable[str]) -> list[Fit]:
    """The combinations for which every package among these files has a wheel; without (`any`, `any`), which says nothing."""
    packages: dict[str, set[Fit]] = {}
    for file in files:
        if found := WHEEL.fullmatch(file.rpartition("/")[2]):
            packages.setdefault(found["name"].lower(), set()).update(_of(found))
    asked = set().union(*packages.values()) if packages else set()
    pythons, processors = ({fit[at] for fit in asked} - {ANY} or {ANY} for at in (0, 1))
    return [
        (python, processor)
        for python in sorted(pythons, key=_order)
        for processor in sorted(processors)
        if (python, processor) != (ANY, ANY) and all(_has(one, python, processor) for one in packages.values())
    ]


def _of(wheel: re.Match[str]) -> set[Fit]:
    pythons = [f"3.{number}" for number in PYTHON.findall(wheel["python"])] if wheel["abi"] != "abi3" else []
    return {(python, processor) for python in pythons or [ANY] for processor in _processors(wheel["platform"])}


def _processors(platform: str) -> list[str]:
    return [found[1] for one in platform.split(".") if (found := PROCESSOR.search(one))] or [ANY]


def _has(wheels: set[Fit], python: str, processor: str) -> bool:
    return any(its in (python, ANY) and runs in (processor, ANY) for its, runs in wheels)


def _order(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split(".") if part.isdecimal())


def needed(fitting: Iterable[Fit]) -> str:
    """What a machine needs to match one of these, for people: `Python 3.11 on x86_64`."""
    each = [
        f"Python {'3.11 or newer' if python == ANY else python}" + ("" if processor == ANY else f" on {processor}")
        for python, processor in fitting
    ]
    return " or ".join(each) or "Python 3.11 or newer"
