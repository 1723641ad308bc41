"""python -m bench [NAME …]: run benchmarks, print their tables, and write them to bench/results.md.

Sections of benchmarks that were not run stay as they are.
"""

import argparse
import inspect
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType, ModuleType

from bench import (
    ack,
    chat,
    compile,
    create,
    enrol,
    fanout,
    ingest,
    job,
    lines,
    many,
    memory,
    output,
    pages,
    pillar,
    pubs,
    queue,
    report,
    scale,
    series,
    spool,
    writer,
)
from bench.cellar import Cellar

# Memory comes before the others that use the same daemons: Salt, not our code, keeps something of hundreds of jobs.
# Pubs come last: their containers stay until everything is taken down.
BENCHMARKS: dict[str, ModuleType] = {
    module.__name__.partition(".")[2]: module
    for module in (
        pillar,
        pages,
        series,
        ack,
        queue,
        lines,
        ingest,
        enrol,
        spool,
        writer,
        scale,
        compile,
        memory,
        job,
        chat,
        fanout,
        output,
        create,
        many,
        pubs,
    )
}

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the benchmarks that were named, or all; returns 1 if one could not run. A missed gate is only printed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Saltcellar.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(BENCHMARKS)}; all if left out")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("results.md"), help="where to write")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(BENCHMARKS)}")
    for number in ENDINGS:
        signal.signal(number, _interrupt)
    about, when, results = report.machine(), report.moment(), []
    kept = asked.output.read_text() if asked.names and asked.output.exists() else ""
    print(about, flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        cellar = Cellar(Path(folder), stack)
        try:
            for name in [name for name in BENCHMARKS if not asked.names or name in asked.names]:
                results.append(_run(name, cellar))
                told = report.merged(kept, results, list(BENCHMARKS), when) if kept else report.whole(about, results)
                asked.output.write_text(told)
        finally:
            _undisturbed()
    return 1 if any(result.failure for result in results) else 0


def _run(name: str, cellar: Cellar) -> report.Result:
    print(f"\n{name}", flush=True)
    began, rows, failure = time.monotonic(), [], None
    try:
        with cellar.here:
            rows = BENCHMARKS[name].measure(cellar)
        print(report.table(rows), flush=True)
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
        print(f"could not run: {failure}", file=sys.stderr, flush=True)
    how = inspect.getdoc(BENCHMARKS[name]) or ""
    return report.Result(name, how, rows, time.monotonic() - began, failure)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _undisturbed()
    raise KeyboardInterrupt


def _undisturbed() -> None:
    """Ignore further signals, so that everything that was started is taken down."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Interrupted; everything that was started is gone.")
