"""What the docs and the runners' docstrings say to type is, parsed by Salt itself, what the functions accept."""

import inspect
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import salt.minion
import salt.utils.args
from test_shape import EXPECTED, functions

Runners = dict[str, Callable[..., Any]]

TOP = Path(__file__).resolve().parents[2]
OURS = {f"{name}.{one}": function for name in EXPECTED for one, function in functions(name).items()}
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]


def typed(text: str) -> set[str]:
    """The salt-run lines in a text: those in backquotes, and those on lines of their own, without remarks after two blanks."""
    text = re.sub(r" *\\\n\s*", " ", text)
    alone = re.findall(r"^ +(?:\$ |# cellar |\.venv/bin/)?salt-run (?:-c \S+ )?([^`\n]+)", text, re.MULTILINE)
    return {re.split(r"\s{2,}#? ?", line)[0] for line in alone} | set(
        re.findall(r"`(?:salt-run )?([a-z]+\.[^`…*|,]+)`", text)
    )


def ours(lines: set[str]) -> list[str]:
    """Those lines that call one of our runners with arguments."""
    return sorted(line for line in lines if line.split()[0] in OURS and " " in line and "…" not in line)


EXAMPLES = {
    line for function in OURS.values() for line in re.findall(r"salt-run ([^`\n]+)", inspect.getdoc(function) or "")
}
WRITTEN = sorted(set(ours(EXAMPLES)) | {line for page in PAGES for line in ours(typed(page.read_text()))})


def asked(line: str) -> Any:
    """The arguments that a function gets from a line, parsed as by salt-run."""
    name, *words = [word for word in shlex.split(line) if not word.startswith("--")]
    positional, keywords = salt.minion.load_args_and_kwargs(OURS[name], salt.utils.args.parse_input(words))
    return OURS[name].takes.bind(*positional, **keywords)  # type: ignore[attr-defined]


@pytest.mark.parametrize("line", WRITTEN)
def test_what_is_written_can_be_asked(line: str) -> None:
    assert asked(line)


def test_what_is_written_is_found() -> None:
    assert "nodes.upgrade environment=prd waves=1,10%,rest deadline=30m" in WRITTEN
    assert "bots.invite garden uses=3 note='for Ann' --out=json" in WRITTEN
    assert len(WRITTEN) > 120


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("bots.show", "missing a required argument: 'bot'"),
        ("bots.show my garden", "too many positional arguments"),
        ("bots.create my account=ann@example.org colour=red", "got an unexpected keyword argument 'colour'"),
        ("nodes.revoke_token", "missing a required argument: 'token'"),
        ("bots.delete my purge=fasle", "purge is True or False, not 'fasle'"),
        ("bots.delete my 1", "purge is True or False, not 1"),
        ("nodes.retire m1 with_bots=no_way", "with_bots is True or False, not 'no_way'"),
        ("bots.stop my wait=soon", "wait is True or False, not 'soon'"),
    ],
)
def test_what_can_not_be_asked_is_told_and_fails(line: str, why: str) -> None:
    """Salt itself would show the function's docstring and exit with 0."""
    name, *words = line.split()
    positional, keywords = salt.minion.load_args_and_kwargs(OURS[name], salt.utils.args.parse_input(words))
    assert OURS[name](*positional, **keywords) == {
        "error": f"{name}: {why}. `salt-run --doc {name}` says what it takes.",
        "retcode": 1,
    }


def test_a_selector_that_salt_takes_for_keywords_is_one() -> None:
    from pillar_service.master.runners import selector

    assert asked("nodes.upgrade site=shed,!gpu waves=1").arguments["labels"] == {"site": "shed,!gpu"}
    assert selector("", {"site": "shed,!gpu", "__pub_jid": "1"}) == "site=shed,!gpu"
    assert selector("app in (a,b)", {"rack": 7}) == "app in (a,b),rack=7"


def test_a_label_with_a_domain_is_set_and_what_is_none_is_refused(runners: Runners) -> None:
    from pillar_service.usecases.nodes import nodes

    [node] = [one["id"] for one in nodes.listed()]
    assert runners["nodes.label"](node, "butt.nz/rack=r1", app="pub")["labels"] == {"app": "pub", "butt.nz/rack": "r1"}
    assert runners["nodes.label"](node, "app")["labels"] == {"butt.nz/rack": "r1"}
    assert "can't be a label's key" in runners["nodes.label"](node, "a b")["error"]
    assert "can't be a label's key" in runners["nodes.label"](node, "a b=c")["error"]


def test_who_says_no_time_to_wait_has_asked_for_nothing(runners: Runners) -> None:
    said = "wait is a number of seconds from 0 to 604800, not "
    for wait in ("soon", -1, True, 1e9):
        for name in ("backups.now", "backups.verify"):
            assert runners[name](wait=wait)["error"] == f"{said}{wait!r}."
        for name in ("nodes.rotate", "nodes.provision", "nodes.retire", "nodes.finish"):
            assert runners[name]("here", wait=wait)["error"] == f"{said}{wait!r}."


def test_who_does_not_wait_is_answered_at_once(runners: Runners) -> None:
    assert "CELLAR_BACKUP_REPOSITORY" in runners["backups.now"](wait=False)["error"]
