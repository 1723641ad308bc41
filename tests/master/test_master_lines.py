"""Which parts of a node's progress become lines of jobs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pillar_service.master.dispatch import events
from pillar_service.master.dispatch.events import heard, of_return
from pillar_service.master.dispatch.runs import Held, Runs

BOT = "a" * 16
RUN = {
    "id": "r" * 16, "node": "cellar-1", "arguments": ["pubs.rebuild"], "function": "state.apply", "timeout_s": 900,
    "taken_over": False, "bots": [BOT], "jobs": ["j" * 16],
}  # fmt: skip


def lines(*states: dict[str, Any], node: str = "cellar-1") -> list[tuple[str, str]]:
    runs, held = Runs(), Held.of(RUN, "1")
    runs.add(held)
    for number, state in enumerate(states):
        heard(f"salt/job/1/prog/{node}/{number}", {"data": {"ret": state}}, runs, None)  # type: ignore[arg-type]
    return [(line["state_id"], line["text"]) for line in runs.lines_of(held)]


def test_a_state_of_the_runs_bot_is_a_line_and_one_of_the_whole_node_is_none() -> None:
    mine = {"__id__": f"{BOT} container", "result": True, "changes": {"x": 1}, "comment": "made"}
    others = [{"__id__": id, "result": True, "comment": "no"} for id in ("docker engine", f"{'b' * 16} container", "")]
    assert lines(mine, *others[:2]) == [(mine["__id__"], "container: ok, changed. made")]
    assert lines(mine, node="cellar-2") == []


def test_a_log_is_lines_of_every_bot_of_the_run() -> None:
    built = {"__id__": "pubs image build", "result": False, "comment": "No.", "log": ["Step 1", "x" * 9999, 3]}
    told = lines(built)
    assert [text for _, text in told] == ["Step 1", "x" * 500, "3", "image build: failed. No."]
    assert {state_id for state_id, _ in told} == {""}
    assert len(lines(built | {"log": list(range(9999))})) == 201


def test_a_log_that_came_as_it_was_written_is_not_told_twice() -> None:
    meanwhile = {"log": ["Step 1", "Step 2"], "log_from": 0, "goes_on": True}
    more = {"log": ["Step 3"], "log_from": 2, "goes_on": True}
    built = {"__id__": "pubs image build", "result": True, "comment": "Yes.", "log": ["Step 2", "Step 3", "Step 4"]}
    told = [text for _, text in lines(meanwhile, more, built | {"log_from": 1})]
    assert told == ["Step 1", "Step 2", "Step 3", "Step 4", "image build: ok. Yes."]


def test_what_a_run_returns_holds_the_lines_that_were_not_told() -> None:
    runs, held = Runs(), Held.of(RUN, "1")
    runs.add(held)
    said = {f"{BOT} dir": "made", f"{BOT} container": "made", f"{BOT} alive": "answers"}
    states = [{"__id__": id, "result": True, "comment": comment} for id, comment in said.items()]
    heard(f"salt/job/1/prog/cellar-1/{BOT} container", {"data": {"ret": states[1]}}, runs, None)  # type: ignore[arg-type]
    first = runs.lines_of(held)
    runs.forget_lines(held, first)
    returned = {f"pub_|-{n}": state | {"__run_num__": n} for n, state in enumerate(states)}
    for line in of_return("1", dict(reversed(returned.items()))):
        runs.add_line("1", "cellar-1", *line)
    assert [line["text"] for line in first] == ["container: ok. made"]
    assert [line["text"] for line in runs.lines_of(held)] == ["dir: ok. made", "alive: ok. answers"]


def test_what_a_command_returns_is_no_state() -> None:
    told = {
        "state": "done",
        "result": {"comment": "x"},
        "more": {"__id__": "x", "result": True},
        "no": {"__run_num__": 1},
    }
    assert [*of_return("1", told), *of_return("1", ["x"]), *of_return("1", None)] == []


@pytest.mark.parametrize(
    "data", [None, "x", {"data": "x"}, {"data": {"ret": "x"}}, {"data": {"ret": {"result": [1], "comment": {}}}}]
)
def test_progress_that_makes_no_sense_is_none(data: Any) -> None:
    runs, held = Runs(), Held.of(RUN, "1")
    runs.add(held)
    heard("salt/job/1/prog/cellar-1/0", data, runs, None)  # type: ignore[arg-type]
    assert all("unclear" in line["text"] for line in runs.lines_of(held))


def test_one_event_that_makes_no_sense_does_not_end_the_listening(monkeypatch: pytest.MonkeyPatch) -> None:
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    told = [deep, "made"]
    stop, greeted, connected = threading.Event(), [], []

    class Bus:
        def get_event(self, **_: object) -> Any:
            if not told:
                stop.set()
                return None
            state = {"__id__": f"{BOT} dir", "result": True, "comment": told.pop(0)}
            return {"tag": f"salt/job/1/prog/cellar-1/{len(told)}", "data": {"data": {"ret": state}}}

    @contextmanager
    def bus(*_: object, **__: object) -> Iterator[Bus]:
        connected.append(1)
        yield Bus()

    class Greeting:
        def greet_all(self) -> None:
            greeted.append(1)

        def catch_up(self) -> None:
            pass

    monkeypatch.setattr(events.salt.utils.event, "get_master_event", bus)
    runs, held = Runs(), Held.of(RUN, "1")
    runs.add(held)
    events.follow({"sock_dir": ""}, runs, Greeting(), stop)  # type: ignore[arg-type]
    assert ([line["text"] for line in runs.lines_of(held)], connected, greeted) == (["dir: ok. made"], [1], [1])
