"""Rows read by cached statements: JSON in them is parsed only when asked for."""

import time
from collections.abc import Iterator

import pytest

from pillar_service.store import database
from pillar_service.store.database import Unread
from pillar_service.store.jobs import jobs, outputs, runs
from pillar_service.usecases.jobs import parts


@pytest.fixture(autouse=True)
def connected(url: str) -> Iterator[None]:
    database.connect(url)
    yield
    database.release()


def test_json_is_read_when_it_is_asked_for_and_once() -> None:
    now, told = time.time(), {"n": [1, "\u2028", None]}
    jobs.add(
        id="0" * 16, command="hostname", arguments=told, actor="test", fingerprint="", created_at=now, not_before=now
    )
    found = jobs.find("0" * 16)
    assert found is not None
    assert type(found.__data__["arguments"]) is Unread
    assert found.arguments == told
    assert found.arguments is found.arguments
    assert found.plan is None
    assert found.result is None


def test_a_text_that_is_json_is_that_text() -> None:
    now = time.time()
    jobs.add(
        id="0" * 16, command="c", arguments={}, result="{}", actor="t", fingerprint="", created_at=now, not_before=now
    )
    found = jobs.find("0" * 16)
    assert found is not None
    assert found.result == "{}"
    assert found.result == "{}", "read once, not again"


def test_lines_of_a_whole_are_those_of_its_parts() -> None:
    now = time.time()
    common = {"command": "c", "arguments": {}, "actor": "t", "fingerprint": "", "created_at": now, "not_before": now}
    jobs.add(id="f" * 16, parts=2, **common)
    for part, lines in (("a" * 16, 3), ("b" * 16, 2)):
        jobs.add(id=part, parent="f" * 16, **common)
        for n in range(1, lines + 1):
            outputs.add_line(part, n, str(n), "said", now)
    assert outputs.line_count_of_all("f" * 16) == 5
    assert outputs.line_count_of_all("a" * 16) == 3
    assert outputs.line_count_of_all("c" * 16) == 0


def test_a_whole_tells_where_it_failed_and_where_nobody_answered() -> None:
    now = time.time()
    common = {"command": "c", "arguments": {}, "actor": "t", "fingerprint": "", "created_at": now, "not_before": now}
    jobs.add(id="f" * 16, parts=4, **common)
    called = {"function": "f", "arguments": [], "keywords": {}, "timeout_s": 1, "retry_safe": False}
    runs.add([runs.new(id="r" * 16, master="salt", created_at=now, expires_at=now, **called)])
    ended = [("succeeded", {"state": "done"}), ("failed", {"exit_code": 1}), ("failed", None), ("failed", None)]
    for n, (state, result) in enumerate(ended):
        how = {"run": "r" * 16, "error": "It is away."} if n < 3 else {"error": "It is another."}
        jobs.add(id=f"{n:016x}", parent="f" * 16, state=state, result=result, **how, **common)
    its = jobs.standing_of_parts("f" * 16)
    assert [(part.state, part.has_result, part.refused) for part in its] == [
        ("succeeded", True, None), ("failed", True, None), ("failed", False, None), ("failed", False, "It is another."),
    ]  # fmt: skip
    told = parts.summary([part._replace(node=f"cellar-{n}") for n, part in enumerate(its)])
    assert told["expected"] == ["cellar-0", "cellar-1", "cellar-2", "cellar-3"]
    assert (told["answered"], told["missing"]) == (["cellar-0", "cellar-1"], ["cellar-2"])
    assert told["failed"] == ["cellar-1", "cellar-3"]
