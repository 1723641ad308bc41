"""All that was counted on this machine, and what was read from the database, in Prometheus' format."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pillar_service.metrics.counting import is_of_another_boot
from pillar_service.metrics.families import COUNTED, READ, Family

Values = Mapping[Family, Mapping[tuple[str, ...], float]]

TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text(folder: Path, read: Values) -> bytes:
    """The response: what all processes of each app counted into ``folder``, labelled with the app, and what was read."""
    from prometheus_client import generate_latest
    from prometheus_client.registry import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(_Told([*_counted(folder), *_read(read)]))
    return bytes(generate_latest(registry))


class _Told:
    def __init__(self, families: Iterable[Any]) -> None:
        self._families = list(families)

    def collect(self) -> list[Any]:
        return self._families


def _counted(folder: Path) -> Iterator[Any]:
    from prometheus_client.core import Metric
    from prometheus_client.multiprocess import MultiProcessCollector

    found = {
        name: Metric(name, family.help, str(family.kind))
        for family in COUNTED
        for name in [family.name.removesuffix("_total")]
    }
    for app in sorted(folder.glob("*")):
        files = [str(file) for file in sorted(app.glob("*.db")) if not _is_of_the_dead(file)]
        for metric in MultiProcessCollector.merge(files):  # type: ignore[no-untyped-call]
            if metric.name in found:
                samples = [sample._replace(labels={"app": app.name, **sample.labels}) for sample in metric.samples]
                found[metric.name].samples += samples
    yield from found.values()


def _is_of_the_dead(file: Path) -> bool:
    """Whether it is a gauge of a process that is gone: if a whole app dies at once, nobody removes its files."""
    if not file.name.startswith("gauge_live"):
        return False
    if is_of_another_boot(file.parent):
        return True
    try:
        os.kill(int(file.stem.rpartition("_")[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it is alive, and belongs to somebody else
    return False


def _read(read: Values) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    for family in READ:
        made = GaugeMetricFamily(family.name, family.help, labels=family.labels)
        for labels, value in read.get(family, {}).items():
            made.add_metric(labels, value)
        yield made
