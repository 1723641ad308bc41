"""Machines' files: each fault is reported with its line, and hostile files are refused within a moment."""

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillar_service.core.errors import Invalid
from pillar_service.core.machines import expressions, machine_files
from pillar_service.core.machines.machines import Machine
from pillar_service.documents import reading
from pillar_service.documents.faults import Faults, raise_any

GOOD = """\
machine: door
about: Opens and shuts.
each: bot
memory: {count: 0}
initial: shut
states:
  shut: {}
  open:
    enter:
      - set: {count: count + 1}
      - exec: [echo, "{bot}", "{count}"]
        timeout: 5s
        done: opened
transitions:
  - {on: push, from: shut, to: open, if: count < 3}
  - {on: opened, to: shut}
watchers:
  push: {kind: exec, command: [test, -e, /tmp/x], every: 5s, in: shut, when: exit_code == 0, fires: push}
"""


def read(text: str) -> Machine | None:
    faults = Faults("door.yaml")
    made = machine_files.read(reading.plain(text.encode(), faults), "door", faults)
    raise_any(faults)
    return made


def test_a_good_file_is_read_whole() -> None:
    made = read(GOOD)
    assert made
    assert made.events == {"push", "opened"}
    assert made.transitions[1].sources == ("shut", "open")
    assert [one.label for one in made.actions(made.transitions[0], "shut")] == ["set", "exec echo"]
    assert (made.watchers["push"].every_s, made.watchers["push"].states) == (5, {"shut"})


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("machine: door", "machine: window", "door.yaml:1: The machine must have the name of its file: door."),
        ("machine: door", "machine: ../x", "door.yaml:1: '../x' can't name a machine"),
        ("about: Opens and shuts.", "about: 7", "door.yaml:2: The line about the machine"),
        ("each: bot", "each: moon", "door.yaml:3: 'moon' is not a known value for 'each'"),
        ("{count: 0}", "{bot: 0}", "door.yaml:4: bot already means something else"),
        ("{count: 0}", "{count: [1]}", "door.yaml:4: A machine can only remember numbers"),
        ("initial: shut", "initial: shout", "door.yaml:5: 'shout' is not a state; the states are: shut, open."),
        ("  shut: {}", "  Shut: {}", "door.yaml:7: 'Shut' can't name a state"),
        ("  shut: {}", "  shut: {entre: []}", "door.yaml:7: 'entre' is unknown here; use one of: enter, leave."),
        ("  shut: {}", "  shut: {}\n  lost: {}", "door.yaml:8: No transition leads to 'lost'."),
        ("set: {count: count + 1}", "set: {other: 1}", "door.yaml:10: 'other' is not in the machine's memory"),
        ("set: {count: count + 1}", "set: {count: count +}", "door.yaml:10: 'count +' is not an expression"),
        ("count + 1", "__import__('os').system('x')", "door.yaml:10: An expression can call only"),
        ("count + 1", "count.__class__", "door.yaml:10: A dot can follow only a name"),
        ("count + 1", "seen.x.__class__", "door.yaml:10: A dot can follow only a name"),
        ("count + 1", '"[x for x in 1]"', "door.yaml:10: An expression can't contain ListComp."),
        ("count + 1", '"(lambda: 1)()"', "door.yaml:10: An expression can call only"),
        ("count + 1", "nothing + 1", "door.yaml:10: 'nothing' is not known here; use one of: "),
        ("count + 1", "'(' * 300", "door.yaml:"),
        ('[echo, "{bot}", "{count}"]', '"echo {bot}"', "door.yaml:11: This must be a list of 1 to 50 words"),
        ('"{bot}"', '"{robot}"', "door.yaml:11: {robot} is not known here"),
        ('"{bot}"', '"{bot"', "door.yaml:11: '{bot' has a single brace"),
        ("timeout: 5s", "timeout: 2h", "door.yaml:12: This must be from 1s to 1h."),
        ("timeout: 5s", "time: 5s", "door.yaml:12: 'time' is unknown here"),
        ("timeout: 5s", "user: ../root", "door.yaml:12: '../root' can't be a user's name."),
        ("done: opened", "done: closed", "door.yaml:13: No transition takes 'closed'."),
        ("      - exec:", "      - say: x\n        exec:", "door.yaml:11: An action needs exactly one of"),
        ("from: shut, to: open", "from: shut, to: ajar", "door.yaml:15: 'ajar' is not a state"),
        ("from: shut, to: open", "from: [shot], to: open", "door.yaml:15: 'shot' is not a state"),
        ("if: count < 3", "unless: count < 3", "door.yaml:15: 'unless' is unknown here"),
        ("kind: exec", "kind: spell", "door.yaml:18: 'spell' is not a known kind of watcher"),
        ("command: [test, -e, /tmp/x], ", "", "door.yaml:18: command is missing here."),
        (", when: exit_code == 0", "", "door.yaml:18: This watcher needs 'when'"),
        ("every: 5s", "every: soon", "door.yaml:18: The length of time must be written as"),
        ("every: 5s", "every: 0", "door.yaml:18: This must be from 1s to 1d."),
        ("fires: push}", "fires: pull}", "door.yaml:18: No transition takes 'pull'."),
        ("exit_code == 0", "status == 0", "door.yaml:18: 'status' is not known here"),
        (
            "kind: exec, command: [test, -e, /tmp/x]",
            "kind: http, url: 'file:///etc/passwd'",
            "must be an address such as",
        ),
        (
            "kind: exec, command: [test, -e, /tmp/x]",
            "kind: http, url: 'http://[::1/'",
            "must be an address such as",
        ),
        ("kind: exec, command: [test, -e, /tmp/x]", "kind: file, path: '{data}/../../x'", "must be an absolute path"),
        (
            "kind: exec, command: [test, -e, /tmp/x]",
            "kind: schedule, cron: 'often'",
            "must be five fields as in a crontab",
        ),
        ("kind: exec, command: [test, -e, /tmp/x]", "kind: metric, metric: luck", "'luck' can't be measured"),
        ("kind: exec, command: [test, -e, /tmp/x]", "kind: kv, key: ../../x", "can't be a configuration key"),
        (
            "kind: exec, command: [test, -e, /tmp/x], every: 5s, in: shut, when: exit_code == 0",
            "kind: timer, after: 5s, hold: 10s",
            "A timer can't have 'hold', because it fires at its time: leave it out.",
        ),
        (
            "kind: exec, command: [test, -e, /tmp/x], every: 5s, in: shut, when: exit_code == 0",
            "kind: schedule, cron: '0 3 * * *', hold: 10s",
            "A schedule can't have 'hold'",
        ),
        ("set: {count: count + 1}", "configure: {../x: 1}", "door.yaml:10: '../x' can't be a configuration key"),
        ("set: {count: count + 1}", "configure: {}", "door.yaml:10: This must be 1 to 10 keys"),
        ("set: {count: count + 1}", "configure: {a/b: nothing + 1}", "door.yaml:10: 'nothing' is not known here"),
    ],
)
def test_every_fault_says_its_line_and_what_would_do(old: str, new: str, fault: str) -> None:
    assert old in GOOD
    with pytest.raises(Invalid) as told:
        read(GOOD.replace(old, new, 1))
    assert fault in told.value.sentence


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Invalid) as told:
        read(
            GOOD.replace("initial: shut", "initial: shot").replace("count < 3", "3 <").replace("every: 5s", "every: x")
        )
    assert [line.split(":")[1] for line in told.value.sentence.splitlines()] == ["5", "15", "18"]


HOSTILE = (
    "",
    "7",
    "[]",
    "machine: !!python/object/apply:os.system [x]",
    "a: &a [*a]",
    "states: {a: &a {enter: *a}}",
    "machine: door\nstates: [1, 2]\ntransitions: {a: b}\nwatchers: 7\nmemory: x\n",
    "machine: door\nstates: {a: 7}\ntransitions: [7, [8], null]\nwatchers: {a: 7, b: null}\n",
    GOOD.replace("{count: 0}", "{" + ", ".join(f"m{n}: 0" for n in range(60)) + ", count: 0}"),
    GOOD.replace("count + 1", "9 ** 9 ** 9 + " + "(" * 400),
    GOOD.replace("count + 1", "'" + "count + " * 400 + "1'"),
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_file_is_refused_in_a_moment(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(Invalid):
        read(text)
    assert time.monotonic() - began < 10


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["shut", "exec", "push", "count"]),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *machine_files.TOP,
                    *machine_files.WATCHER,
                    *machine_files.TRANSITION,
                    *machine_files.STATE,
                    "exec",
                    "set",
                ]
            ),
            inside,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_whatever_stands_there_is_a_machine_or_has_a_fault(value: object) -> None:
    faults = Faults("door.yaml")
    machine_files.read(value, "door", faults)
    assert faults.found, "none of these is a whole machine"


@given(st.text(alphabet="count+-*/.()[]'\"=<>!_ 0123456789seen,:if else and or not in lambda{}", max_size=60))
@settings(max_examples=200, deadline=None)
def test_an_expression_is_taken_or_refused_and_nothing_else(text: str) -> None:
    with suppress(Invalid):
        assert expressions.checked(text, {"count", "seen"}) == text.strip()
