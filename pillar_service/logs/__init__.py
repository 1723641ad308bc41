"""The service's log, on stderr: whoever starts the process keeps it (systemd's journal, a file)."""

import logging
import sys

from pillar_service.logs.lines import FIELDS, Json, Text

__all__ = ["FIELDS", "begin"]


def begin(how: str) -> None:
    """Write the logs of this process: ``json``, ``text``, or ``auto``, which is text on a terminal and JSON elsewhere.

    Libraries are heard from warnings on; what we ourselves say, from what is worth knowing on.
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
    """Where in the code, in which thread and process: a third of what a line costs (Python's Logging HOWTO, Optimization)."""
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
