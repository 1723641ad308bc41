import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillar_service.core.errors import Invalid, NotFound
from pillar_service.core.meeseeks import runs, templates
from pillar_service.core.meeseeks.catalogue import Approval, Catalogue, Command, Requires, for_node
from pillar_service.core.meeseeks.parameters import Kind, Parameter
from pillar_service.core.meeseeks.runs import Action, Arguments, Function, Runner, Script, Where
from pillar_service.core.nodes.selectors import parse


def catalogue(commands: list[Command]) -> Catalogue:
    return Catalogue({command.name: command for command in commands})


BOT = Parameter("bot", Kind.BOT, required=True)
LINES = Parameter("lines", Kind.INT, default=10)
FORCE = Parameter("force", Kind.BOOL)
FIXED = Parameter("fixed", default="same", immutable=True)
COMMAND = Command("tidy-up", "s", Arguments(("tidy", "{bot}")), parameters=(BOT, FIXED, LINES, FORCE))


def test_what_was_typed_is_bound_in_order_and_checked() -> None:
    assert COMMAND.bound(["my", "5"], {}) == {"bot": "my", "lines": "5"}
    assert COMMAND.bound(["5"], {"bot": "my"}) == {"bot": "my", "lines": "5"}
    assert COMMAND.checked({"bot": "my", "force": "yes"}) == {"bot": "my", "fixed": "same", "lines": 10, "force": True}
    assert COMMAND.checked(COMMAND.checked({"bot": "my"})) == COMMAND.checked({"bot": "my"})
    assert COMMAND.usage == "tidy-up BOT [lines=…] [force=…]"
    assert COMMAND.flags == {"force"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "bot is missing"),
        ({"bot": "my", "x": "1"}, "takes no argument 'x'"),
        ({"bot": "my", "fixed": "x"}, "is fixed here"),
    ],
)
def test_wrong_arguments_are_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        COMMAND.checked(given)


def test_one_argument_too_many_is_refused_with_how_to_write_it() -> None:
    with pytest.raises(Invalid, match=r"'no' is one argument too many: write tidy-up BOT"):
        COMMAND.bound(["my", "5", "yes", "no"], {})


def test_an_unknown_command_is_answered_with_the_likeliest() -> None:
    known = catalogue([COMMAND, Command("secret-thing", "s", Runner("x.y"), hidden=True)])
    with pytest.raises(NotFound, match="did you mean tidy-up"):
        known.command("tidy-pu")
    for wrong in ("secret-thin", "x" * 40_000, None, 7, ["tidy-up"]):
        with pytest.raises(NotFound, match="ask for 'help'"):
            known.command(wrong)
    assert known.listed() == ["tidy-up"]


@pytest.mark.parametrize(
    ("words", "arguments", "filled"),
    [
        (["echo", "{a}"], {"a": "x y; rm -rf / $(id) `id` | > &"}, ["echo", "x y; rm -rf / $(id) `id` | > &"]),
        (["echo", "{a}"], {"a": ""}, ["echo", ""]),
        (["echo", "--tail={n}", "{a}"], {"n": 5}, ["echo", "--tail=5"]),
        (["echo", "--tail={n}"], {"n": None}, ["echo"]),
        (["echo", "{yes:--force}"], {"yes": True}, ["echo", "--force"]),
        (["echo", "{yes:--force}"], {"yes": False}, ["echo"]),
        (["echo", "{yes}"], {"yes": False}, ["echo", "false"]),
        (["echo", "{a}"], {"a": "{b}", "b": "hidden"}, ["echo", "{b}"]),
        (["echo", "{{a}}", "{{{a}}}"], {"a": "x"}, ["echo", "{a}", "{x}"]),
        (["echo", "{a}/{b}"], {"a": "x"}, ["echo"]),
        (["echo", "--", "{a}"], {"a": "--force"}, ["echo", "--", "--force"]),
        (["echo", "--reason={a}"], {"a": "--force"}, ["echo", "--reason=--force"]),
    ],
)
def test_places_are_filled_word_by_word(words: list[str], arguments: dict[str, Any], filled: list[str]) -> None:
    assert templates.words(words, arguments) == filled
    assert runs.argv(Arguments(tuple(words)), arguments) == filled


@pytest.mark.parametrize("words", [["echo", "{a}"], ["echo", "{a}", "--"], ["echo", "{a}{b}"]])
@pytest.mark.parametrize("value", ["-rf", "--force", "--", "-"])
def test_an_argument_can_never_be_an_option(words: list[str], value: str) -> None:
    with pytest.raises(Invalid, match="would be read as an option"):
        templates.words(words, {"a": value, "b": ""})


@pytest.mark.parametrize("template", ["{", "a}", "{A}", "{a b}", "{}", "{a", "{{{"])
def test_a_brace_alone_is_refused(template: str) -> None:
    with pytest.raises(Invalid, match="single brace"):
        templates.places(template)


@given(
    st.dictionaries(st.sampled_from("abc"), st.text(max_size=10)),
    st.lists(st.sampled_from(["{a}", "x{b}", "--", "{{", "y"])),
)
def test_each_template_becomes_at_most_one_word(arguments: dict[str, Any], words: list[str]) -> None:
    try:
        filled = templates.words(words, arguments)
    except Invalid:
        return
    left_out = sum(not templates.places(word) <= set(arguments) for word in words)
    assert len(filled) == len(words) - left_out


def test_a_function_keeps_its_arguments_types() -> None:
    made = Function(
        "state.apply", ("{sls}", "{gone}"), {"queue": 10, "lines": "{lines}", "x": "n{lines}", "gone": "{gone}"}
    )
    assert runs.call(made, {"sls": "pubs", "lines": 5}) == (["pubs"], {"queue": 10, "lines": 5, "x": "n5"})


KUBE = Command("kube", "s", Arguments(("kubectl",)), selector=parse("kubernetes"), needs=("kubectl",), where=Where.ANY)
SCRIPT = Command("disk", "s", Script("salt://a.sh", "bash", ("{lines}",)), parameters=(LINES,), where=Where.ALL)
STATE = Command("apply", "s", Function("state.apply", ("pubs",), {"test": True}), user="root", where=Where.ALL)


def test_a_node_is_told_only_of_what_may_run_on_it() -> None:
    known = catalogue([KUBE, SCRIPT, STATE, Command("b", "s", Action("bots.restart"), parameters=(BOT,)),
                       Command("r", "s", Runner("x.y"), where=Where.NONE),
                       Command("n", "s", Arguments(("true",)), where=Where.NONE)])  # fmt: skip
    assert list(for_node(known, {})) == ["apply", "disk"]
    assert list(for_node(known, {"kubernetes": ""})) == ["apply", "disk", "kube"]
    assert KUBE.capacities == {"kubectl"}
    assert SCRIPT.capacities == {"bash"}


def test_a_nodes_entry_has_the_shape_that_the_executor_reads() -> None:
    told = for_node(catalogue([SCRIPT, STATE]), {})
    assert json.loads(json.dumps(told)) == told
    assert told["disk"] == {
        "argv": ["{lines}"],
        "script": {"source": "salt://a.sh", "interpreter": "bash"},
        "function": None, "arguments": [], "keywords": {},
        "parameters": {"lines": {
            "kind": "int", "required": False, "default": 10, "pattern": None, "least": None, "most": None, "choices": [],
            "immutable": False,
        }},
        "user": "nobody",
        "timeout_s": 60,
        "limits": {"memory_mb": 512, "cpu_s": 300, "processes": 64, "file_mb": 100},
        "output": {"redact": []},
        "concurrency": 10,
    }  # fmt: skip
    assert (told["apply"]["function"], told["apply"]["arguments"], told["apply"]["keywords"]) == (
        "state.apply", ["pubs"], {"test": True},
    )  # fmt: skip


def test_a_script_with_another_text_is_another_command() -> None:
    named = replace(SCRIPT, runs=Script("salt://a.sh", "bash", ("{lines}",), sha256="a" * 64))
    assert for_node(catalogue([named]), {})["disk"]["script"]["sha256"] == "a" * 64
    changed = replace(named, runs=Script("salt://a.sh", "bash", ("{lines}",), sha256="b" * 64))
    assert len({SCRIPT.digest, named.digest, changed.digest}) == 3


def test_what_is_required_says_so() -> None:
    assert not Requires()
    assert all((Requires(confirm=True), Requires(otp=True), Requires(approval=Approval("operator"))))
