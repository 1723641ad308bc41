"""Whatever nodes return is brought to the service, and one node's return does not affect another's."""

import json
from typing import Any

import pytest

from pillar_service.master.dispatch import delivery
from pillar_service.master.dispatch.runs import Held, Runs
from pillar_service.web.private import LARGEST_BODY

BOT = "a" * 16
NESTED: list[Any] = []
for _ in range(900):
    NESTED = [NESTED]


def held(jid: str) -> Held:
    run = {"id": jid * 16, "node": f"cellar-{jid}", "function": "state.apply", "arguments": ["pubs"], "timeout_s": 900}
    return Held.of({**run, "taken_over": False, "bots": [BOT], "jobs": ["j" * 16]}, jid)


class Returned:
    """A master's job cache: what nodes returned, by jid."""

    def __init__(self, **by_jid: Any) -> None:
        self.by_jid = by_jid

    def returned(self, jid: str, node: str | None) -> Any:
        return self.by_jid.get(f"_{jid}")


class Service:
    """Accepts what can be written as JSON, as a client writes it."""

    def __init__(self) -> None:
        self.results_of: dict[str, Any] = {}

    def results(self, told: dict[str, Any]) -> dict[str, Exception]:
        self.results_of |= json.loads(json.dumps(told, allow_nan=False))
        return {}

    def lines(self, run: str, lines: list[dict[str, str]]) -> None:
        json.dumps(lines, allow_nan=False)


def delivered(found: Any) -> tuple[Any, Any]:
    """What the service gets about a run that returned this, and about another run delivered with it."""
    runs, service = Runs(), Service()
    both = [held("1"), held("2")]
    for one in both:
        runs.add(one)
    delivery.deliver(service, Returned(_1=found, _2={"return": "well"}), runs, both)  # type: ignore[arg-type]
    assert runs.all() == []
    return service.results_of["1" * 16], service.results_of["2" * 16]


@pytest.mark.parametrize("code", ["boom", None, [], 1.5])
def test_a_return_code_that_is_no_number_is_a_failure(code: object) -> None:
    told, beside = delivered({"return": {}, "retcode": code})
    assert (told["retcode"], beside["retcode"]) == (1, 0)


@pytest.mark.parametrize(
    ("returned", "kept"),
    [
        ({"a": [1, True, None, "x", 0.5]}, {"a": [1, True, None, "x", 0.5]}),
        (b"caf\xc3\xa9 \xff", "café \N{REPLACEMENT CHARACTER}"),
        ({b"k": 1, 2: (3,), None: 4}, {"k": 1, "2": [3], "None": 4}),
        ([float("nan"), float("inf")], ["nan", "inf"]),
    ],
)
def test_what_json_has_no_word_for_is_told_as_text(returned: object, kept: object) -> None:
    told, beside = delivered({"return": returned, "retcode": 0})
    assert (told["return"], beside["return"]) == (kept, "well")


@pytest.mark.parametrize("returned", [NESTED, {"x": NESTED}, {"s": {"__id__": NESTED, "__run_num__": NESTED}}])
def test_what_is_nested_without_end_is_cut(returned: object) -> None:
    told, _ = delivered({"return": returned, "retcode": 0})
    assert "…" in json.dumps(told, ensure_ascii=False)


def test_a_state_whose_result_is_none_that_a_state_has_is_a_line_all_the_same() -> None:
    state = {"__id__": f"{BOT} alive", "__run_num__": 1, "result": [1], "comment": {"x": 1}}
    assert delivered({"return": {"s": state}, "retcode": 0})[0]["return"] == {"s": state}


def test_what_is_larger_than_the_service_takes_fails_and_holds_up_no_other() -> None:
    told, beside = delivered({"return": {"pub_|-x_|-x_|-up": "x" * LARGEST_BODY}, "retcode": 0})
    assert (told["success"], told["retcode"], beside["return"]) == (False, 1, "well")
    assert told["return"] == "The node returned 32 MiB; at most 16 MiB are taken."
