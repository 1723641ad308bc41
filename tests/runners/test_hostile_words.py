"""Hostile words at the runners' functions, with a real service: refused in one sentence, or kept literally."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_shape import EXPECTED

Runners = dict[str, Callable[..., Any]]

WORDS = [
    "my\nextra:\n  cmd.run: []", "x\r\n- name: evil", "{{ salt['cmd.run']('id') }}", "{% raw %}", "!!python/object:os.system",
    "&a [*a]", "../../../../tmp/evil", "/tmp/evil", "..", "%2e%2e/%2e%2e", "?type=bot#", "mу", "ｍｙ", "x\u2028evil: test.nop",
    "\u202e", "my\x00", "\ud800", "\udcff", "x" * 10_240, "", " ", "--help", "'\"`$(id)`;id", "no", "MY",
]  # fmt: skip
TYPED = st.one_of(
    st.sampled_from(WORDS),
    st.text(max_size=70),
    st.text(st.characters(), max_size=20),  # including lone surrogates, as from broken bytes
    st.sampled_from([None, True, 5, -1, 10**30, 1.5, [], ["x"], {"a": 1}]),  # as the command line reads '5' or '[]'
)
OTHERS = ("nodes.enrol", "nodes.audit", "nodes.publish", "backups.now", "backups.verify")
"""Functions that talk to a machine, a disk or another program, and not only to the service. They have tests of their own."""
ASKING = [
    f"{name}.{one}"
    for name in EXPECTED
    for one in EXPECTED[name].split()
    if f"{name}.{one}" not in OTHERS and one not in ("run", "purge")
]
MANY = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def told_well(told: Any) -> Any:
    """Check that Salt can write an answer as JSON and, if it is an error, that a person can read it; return it."""
    json.dumps(told)
    if isinstance(told, dict) and "retcode" in told:
        said = (
            told["first_fault"]["why"] if "first_fault" in told else told["error"]
        )  # An audit that was tampered with fails, too.
        assert told["retcode"] == 1
        assert said.isprintable(), said
        assert len(said) < 500, said
        assert "Traceback" not in said
    return told


def test_a_commands_text_of_digits_is_the_text_that_was_typed(runners: Runners) -> None:
    run = runners["meeseeks.run"]
    told = run("invite", bot="stands", uses=3, note=2024, preview=True)
    assert told.get("arguments") == {"bot": "stands", "uses": 3, "note": "2024"}, told
    assert "can't be" in run("invite", bot="stands", uses=True, preview=True)["error"]


@pytest.mark.parametrize("word", ["wait", "preview"])
def test_an_argument_that_has_the_name_of_a_choice_of_run_is_not_dropped(runners: Runners, word: str) -> None:
    told = runners["meeseeks.run"]("bot-logs", bot="stands", **{word: "30s"})
    assert told == {
        "error": f"meeseeks.run: {word} is True or False, not '30s'. `salt-run --doc meeseeks.run` says what it takes.",
        "retcode": 1,
    }


def call(function: Callable[..., Any], data: st.DataObject) -> Any:
    """Call a function with hostile words, without waiting for a job; return its checked answer."""
    asked = function.takes.parameters.values()
    places = [one for one in asked if one.kind is one.POSITIONAL_OR_KEYWORD and one.name != "wait"]
    words = {
        one.name: data.draw(TYPED, label=one.name)
        for one in places
        if one.default is one.empty or data.draw(st.booleans())
    }
    waits = {"wait": False} if any(one.name == "wait" for one in asked) else {}
    more = data.draw(st.dictionaries(st.sampled_from(["gpu", "site"]), TYPED)) if _takes_any(function) else {}
    return told_well(function(**words, **more, **waits))


def _takes_any(function: Callable[..., Any]) -> bool:
    return any(one.kind is one.VAR_KEYWORD for one in function.takes.parameters.values())


@pytest.mark.parametrize("name", ASKING)
def test_no_word_harms(runners: Runners, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    from pillar_service.core.names import BOT_NAME
    from pillar_service.usecases.bots import bots

    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    @MANY
    @given(data=st.data())
    def called(data: st.DataObject) -> None:
        call(runners[name], data)

    outside = set(os.listdir("/tmp"))
    called()
    assert os.listdir() == []
    assert not [one for one in set(os.listdir("/tmp")) - outside if "evil" in one]
    there = bots.listed()
    assert all(BOT_NAME.fullmatch(bot["name"]) for bot in there)
    assert "stands" in {bot["name"] for bot in there}


@pytest.mark.parametrize("path", ["\0", "/tmp/\ud800", "/nowhere/my.tar", "/tmp"])
def test_what_is_no_file_can_not_be_imported(runners: Runners, path: str) -> None:
    assert told_well(runners["bots.import"]("my2", path, "ann@example.org", wait=False))["retcode"] == 1


@MANY
@given(text=st.one_of(st.sampled_from(WORDS), st.text(max_size=250)))
def test_a_text_for_people_is_kept_literally_or_refused(runners: Runners, text: str) -> None:
    from pillar_service.usecases.jobs import jobs

    told = told_well(runners["bots.invite"]("stands", note=text, wait=False))
    kept = "retcode" not in told
    assert kept is (text.isprintable() and len(text) <= 200)
    if kept:
        [job] = [one for one in jobs.listed() if one["id"] == told["id"]]
        assert job["arguments"]["note"] == text


@MANY
@given(name=st.one_of(st.sampled_from(WORDS), st.text(max_size=70), st.text("abcXYZ019-_.", max_size=64)))
def test_a_name_is_good_or_refused(runners: Runners, name: str) -> None:
    from pouring import OWNER

    from pillar_service.core.names import BOT_NAME

    told = told_well(runners["bots.create"](name, OWNER, wait=False))
    is_room = "retcode" not in told or any(word in told["error"] for word in ("is taken", "no port"))
    assert is_room is bool(BOT_NAME.fullmatch(name)), told


@pytest.mark.parametrize("word", [float("inf"), float("nan"), [{"a"}], {"a": b"b"}], ids=str)
def test_what_can_not_be_sent_is_told_in_one_sentence(runners: Runners, word: Any) -> None:
    for told in (
        runners["meeseeks.run"]("disk", amount=word),
        runners["bots.logs"]("stands", lines=word),
        runners["configuration.set"]("operators", "a/b", word),
    ):
        assert "put quotes around it" in told_well(told)["error"]
