"""A minion's results, on their way to the service and in events."""

from typing import Any

import pytest

from pillar_service.core.errors import Invalid
from pillar_service.core.jobs.outcomes import of_bot
from pillar_service.core.jobs.results import Result

RUN, JOB, BOT = "0123456789abcdef", "fedcba9876543210", "00112233445566aa"
STATE = {
    f"pub_|-{BOT} alive_|-{BOT}_|-alive": {
        "__id__": f"{BOT} alive",
        "__run_num__": 3,
        "__sls__": "pubs",
        "result": True,
        "comment": "",
        "changes": {"diff": "a secret"},
        "duration": 7.5,
        "pub": {"pub_id": "x"},
    }
}
RETURN = {
    "jid": "20261129000000000001",
    "fun": "state.apply",
    "fun_args": ["pubs"],
    "return": STATE,
    "success": True,
    "retcode": 0,
    "metadata": {"saltcellar": {"run": RUN, "jobs": {JOB: "r-1"}}},
}
TOLD = {"run": RUN, "jid": "1", "function": "pubs.logs", "jobs": [JOB], "return": None, "success": True, "retcode": 0}


def test_it_goes_there_and_is_read_as_it_was() -> None:
    made = Result.of_salt(RETURN)
    assert made is not None
    read = Result.read(made.data())
    assert read == made
    assert (read.run, read.jid, read.jobs, read.success, read.retcode) == (RUN, RETURN["jid"], (JOB,), True, 0)


def test_of_a_state_run_goes_what_an_outcome_is_read_from_and_no_more() -> None:
    made = Result.of_salt(RETURN)
    assert made is not None
    assert of_bot(made.returned, BOT) == of_bot(STATE, BOT)
    assert of_bot(STATE, BOT).result == {"pub_id": "x"}
    assert "a secret" not in str(made.data())


@pytest.mark.parametrize("returned", ["text", None, [], {}, {"a": 1}, {"a": {"result": True}, "b": 2}, ["error"]])
def test_what_is_no_state_run_goes_whole(returned: Any) -> None:
    made = Result.of_salt({**RETURN, "return": returned})
    assert made is not None
    assert made.returned == returned


@pytest.mark.parametrize("beside", [None, 1, {}, {"saltcellar": None}, {"saltcellar": {}}, {"saltcellar": {"run": 1}}])
def test_what_no_dispatcher_published_is_no_result(beside: Any) -> None:
    assert Result.of_salt({**RETURN, "metadata": beside}) is None


def test_nothing_of_what_was_returned_is_kept() -> None:
    read = Result.read({**TOLD, "return": {"code": "an invite"}})
    assert read is not None
    assert read.kept() == {name: value for name, value in TOLD.items() if name != "return"}


def test_the_older_form_is_none() -> None:
    assert Result.read({"job": JOB, "attempt": 1, "state": "done"}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        7, None, [], TOLD | {"run": "x"}, TOLD | {"run": None}, TOLD | {"jobs": None}, TOLD | {"jobs": ["x"]},
        TOLD | {"jobs": [JOB] * 1001}, TOLD | {"retcode": None}, TOLD | {"retcode": 2**40}, TOLD | {"jid": 5},
        TOLD | {"jid": "x" * 101}, TOLD | {"function": None},
    ],
    ids=lambda value: ascii(value)[:60],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(Invalid):
        Result.read(wrong)


@pytest.mark.parametrize("returned", ["\ud800", {"lines": ["\ud800"]}, {"\ud800": 1}])
def test_what_no_page_can_be_sent_with_is_refused(returned: Any) -> None:
    with pytest.raises(Invalid, match="not text"):
        Result.read({**TOLD, "return": returned})
