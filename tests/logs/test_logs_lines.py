"""Log lines: one for each record, whatever is in it."""

import json
import logging
import sys
from typing import Any

import pytest

from pillar_service.core import tracing
from pillar_service.logs.lines import FIELDS, Json, Text

HOSTILE = 'x\n{"level": "info", "message": "forged"}\r\x1b[2J\u2028"'


def record(message: str, *given: object, **extra: Any) -> logging.LogRecord:
    known = {"name": "pillar_service.test", "levelno": logging.INFO, "levelname": "INFO", "msg": message, "args": given}
    return logging.makeLogRecord({**known, **extra})


def test_a_line_of_json_tells_when_what_and_of_which_request() -> None:
    with tracing.within() as request:
        line = json.loads(Json().format(record("Job %s asked.", "1", job="1", node="cellar-1")))
    assert line.pop("at").endswith("Z")
    said = {"level": "info", "logger": "pillar_service.test", "message": "Job 1 asked."}
    assert line == {**said, "request": request, "job": "1", "node": "cellar-1"}


def test_each_line_of_json_tells_its_own_moment() -> None:
    moments = [1.004, 1.999, 2.0, 1.5]
    lines = [json.loads(Json().format(record("Now.", created=at, msecs=at % 1 * 1000)))["at"] for at in moments]
    assert [at[-7:] for at in lines] == ["01.004Z", "01.999Z", "02.000Z", "01.500Z"]
    assert all(at.startswith("1970-01-01T00:00:") for at in lines)


def test_a_record_may_be_of_another_request_than_its_threads() -> None:
    with tracing.within():
        assert json.loads(Json().format(record("Over.", request="of-the-job")))["request"] == "of-the-job"
    assert "request" not in json.loads(Json().format(record("Over.")))


@pytest.mark.parametrize("formatter", [Json(), Text()])
def test_nobodys_words_begin_a_new_line(formatter: logging.Formatter) -> None:
    line = formatter.format(record("Said: %s", HOSTILE, job=HOSTILE))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_an_exception_stays_in_its_line_of_json() -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        made = record("It failed.")
        made.exc_info = sys.exc_info()
    line = Json().format(made)
    assert len(line.splitlines()) == 1
    assert "ValueError" in json.loads(line)["exception"]


def test_only_ids_and_figures_are_told_beside_the_sentence() -> None:
    line = json.loads(Json().format(record("Hello.", email="ann@example.org", status=200)))
    assert "email" not in line
    assert line["status"] == 200
    assert "actor" not in FIELDS
