"""How a record becomes a line."""

import json
import logging
import time
from functools import lru_cache
from typing import Any

from pillar_service.core import tracing

FIELDS = ("request", "job", "node", "run", "master", "method", "route", "status", "took_ms")
"""What may be told with a record beside its sentence (``extra``). Ids and figures: no name, no address, no secret."""


def told(record: logging.LogRecord) -> dict[str, Any]:
    """What is told with a record: its request is the thread's, unless it says another."""
    found = {name: record.__dict__.get(name) for name in FIELDS}
    found["request"] = found["request"] or tracing.current()
    return {name: value for name, value in found.items() if value is not None}


class Json(logging.Formatter):
    """One object a line: ``at`` (UTC, RFC 3339), ``level``, ``logger``, ``message``, what is told, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "at": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **told(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


@lru_cache(maxsize=1)
def _second(at: int) -> str:
    """A second of Unix time, written out: under load many lines are of the same one."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


class Text(logging.Formatter):
    """For a terminal: the time, the sentence, what is told with it. Nobody's words begin a new line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The line without its exception."""
        line = " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in told(record).items())])
        return "".join(one if one.isprintable() else repr(one)[1:-1] for one in line)
