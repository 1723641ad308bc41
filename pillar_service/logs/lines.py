"""How a log record becomes a line."""

import json
import logging
import time
from functools import lru_cache
from typing import Any

from pillar_service.core import tracing

FIELDS = ("request", "job", "node", "run", "master", "method", "route", "status", "took_ms")
"""What a record may carry besides its sentence (``extra``): ids and figures, but no name, address or secret."""


def told(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a record; its request is the thread's, unless the record has its own."""
    found = {name: record.__dict__.get(name) for name in FIELDS}
    found["request"] = found["request"] or tracing.current()
    return {name: value for name, value in found.items() if value is not None}


class Json(logging.Formatter):
    """One object per line: ``at`` (UTC, RFC 3339), ``level``, ``logger``, ``message``, the fields, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
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
    """A second of Unix time as text; cached, because under load many lines share the same second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


class Text(logging.Formatter):
    """For a terminal: the time, the sentence and its fields. Line breaks in them are escaped, so they can't forge a line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The line without its exception."""
        line = " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in told(record).items())])
        return "".join(one if one.isprintable() else repr(one)[1:-1] for one in line)
