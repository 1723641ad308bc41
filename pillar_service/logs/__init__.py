"""The service's log, written to stderr, where whoever starts the process keeps it (systemd's journal, a file)."""

import logging
import sys

from pillar_service.logs.lines import FIELDS, Json, Text

__all__ = ["FIELDS", "begin"]


def begin(how: str) -> None:
    """Write this process's logs as ``json``, ``text``, or ``auto``: text on a terminal, JSON elsewhere.

    Libraries log from the level WARNING up, our own code and gunicorn from INFO.
    """
    if how == "auto":
        how = "text" if sys.stderr.isatty() else "json"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Text() if how == "text" else Json())
    _leave_out_what_no_line_tells()
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in ("pillar_service", "gunicorn"):
        logging.getLogger(name).setLevel(logging.INFO)


def _leave_out_what_no_line_tells() -> None:
    """Skip code location, thread and process: a third of a line's cost (Python's Logging HOWTO, Optimization)."""
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
