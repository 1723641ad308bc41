"""Messages and windows: always within Slack's limits, whatever is in them; nothing in them mentions anyone."""

import re
import time
from typing import Any

import pytest
from fakes.slack import rules
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pillar_service.chatops import blocks, messages, modals, texts
from pillar_service.core.meeseeks.parameters import Kind, Parameter

ODD = st.one_of(
    st.text(max_size=400),
    st.text(st.characters(), max_size=100),
    st.sampled_from(
        [
            "&<>`*_~" * 900,
            "🧂" * 7_000,
            "<!channel> <@U1> ",
            "```\n```",
            "\x00\x1b[31mred\x1b[0m",
            "",
            "a\r\nb",
            "\ud83e",
        ]
    ),
    st.sampled_from(["x", "&", "<", "`", "é", "🧂", "\n", "\t", "\x07"]).flatmap(
        lambda one: st.integers(0, 50_000).map(lambda times: one * times)
    ),
)
MANY = st.lists(ODD, max_size=8) | ODD.flatmap(lambda one: st.integers(0, 300).map(lambda times: [one[:200]] * times))
NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True), max_size=600, unique=True)
STATES = st.lists(st.tuples(ODD, st.sampled_from(["succeeded", "failed", "lost", "new"])), max_size=150)
MENTIONS = re.compile(r"<[!@#]|<http")

relaxed = settings(deadline=None, max_examples=60)


def fine(body: dict[str, Any]) -> None:
    """Check that Slack would take it and that it mentions nobody."""
    rules.message(body)
    for said in [body["text"], *rules.texts(body.get("blocks", []))]:
        assert not MENTIONS.search(said)


@given(ODD, MANY)
@relaxed
def test_sentences_and_listings_fit(text: str, lines: list[str]) -> None:
    fine(messages.said(text))
    fine(messages.listing(text, lines))


@given(ODD, NAMES, ODD, ODD)
@relaxed
def test_a_list_of_tasks_fits_and_every_task_can_be_chosen(
    hello: str, names: list[str], summary: str, hint: str
) -> None:
    body = messages.tasks(hello, [(name, summary) for name in names], hint)
    fine(body)
    chosen = set()
    for element in rules.interactive(body.get("blocks", [])):
        chosen |= {option["value"] for option in element.get("options", [])} | {element.get("value")} - {None}
    assert chosen == set(names[:500])


@given(
    ODD,
    st.dictionaries(ODD, ODD, max_size=30),
    MANY,
    MANY,
    st.lists(st.tuples(ODD, ODD), max_size=8),
    st.sampled_from(["confirm", "approve", "code"]),
)
@relaxed
def test_a_question_fits_and_keeps_its_buttons(
    command: str,
    arguments: dict[str, str],
    nodes: list[str],
    preview: list[str],
    failed: list[tuple[str, str]],
    kind: str,
) -> None:
    shown, _ = messages.previewed(preview, failed)
    body = messages.question(
        texts.fitting(command, 2_000), "0" * 16, messages.wish(command, arguments, nodes), shown, kind
    )
    fine(body)
    assert len(list(rules.interactive(body["blocks"]))) == 2


@given(ODD, STATES, MANY, st.booleans())
@relaxed
def test_progress_and_results_fit(
    sentence: str, parts: list[tuple[str, str]], lines: list[str], is_filed: bool
) -> None:
    fine(messages.progress(texts.fitting(sentence, 2_000), messages.wish("a", {}, ["n"]), parts, lines))
    fine(messages.result(texts.fitting(sentence, 2_000), lines, is_filed, parts))


@given(MANY)
@relaxed
def test_what_fits_is_shown_whole(lines: list[str]) -> None:
    if not messages.fits(lines):
        return
    body = messages.result("Done", lines, False)
    shown = "".join(said.removeprefix("```\n").removesuffix("\n```") for said in rules.texts(body["blocks"][1:]))
    wanted = texts.clean("\n".join(lines)).replace("`", texts.APART)
    for raw, written in texts.ESCAPES.items():
        wanted = wanted.replace(raw, written)
    assert shown.strip() == wanted.strip()


def test_much_output_is_judged_and_cut_at_once() -> None:
    lines, began = ["x" * 16_000] * 1_250, time.process_time()
    assert not messages.fits(lines)
    shown = messages.result("Done", lines, False)
    assert time.process_time() - began < 3
    fine(shown)
    assert "more that does not fit here" in str(shown["blocks"][-1])


@given(MANY)
@example(["&" * 600])
@example(["x" * 2_892])
@example(["x" * 2_893])
@example(["`" * 1_447])
@relaxed
def test_what_fits_of_a_preview_is_shown_whole_and_else_it_says_so(lines: list[str]) -> None:
    told, is_filed = messages.previewed(lines, [])
    shown = "\n".join(rules.texts(told))
    assert ("are in the file" in shown) is is_filed
    assert is_filed is (texts.code("\n".join(lines), 100_000) != texts.code("\n".join(lines), messages.PREVIEWED))
    if lines and not is_filed:
        wanted = texts.clean("\n".join(lines)).replace("`", texts.APART)
        for raw, written in texts.ESCAPES.items():
            wanted = wanted.replace(raw, written)
        assert wanted.strip() in shown


@given(st.binary(max_size=2_000))
@relaxed
def test_bytes_are_text_afterwards(raw: bytes) -> None:
    cleaned = texts.clean(raw)
    cleaned.encode()
    rules.clean(cleaned, "it")
    fine(messages.result("Done", [cleaned], False))


@given(ODD, st.integers(1, 5_000))
@relaxed
def test_cut_text_keeps_to_its_size(text: str, most: int) -> None:
    assert rules.length(texts.fitting(text, most)) <= most
    assert 1 <= rules.length(texts.plain(text, most)) <= most
    assert rules.length(texts.code(text, 20 + most)) <= 20 + most
    assert "```" not in texts.code(text, 3_000)[3:-3]


PARAMETERS = st.builds(
    Parameter,
    name=st.from_regex(r"[a-z][a-z0-9_]{0,30}", fullmatch=True),
    kind=st.sampled_from([kind for kind in Kind if kind is not Kind.ENUM]),
    help=ODD,
    required=st.booleans(),
    default=st.none() | ODD,
    pattern=st.none() | ODD,
    most=st.none() | st.integers(0, 10**9),
) | st.builds(
    Parameter,
    name=st.from_regex(r"[a-z][a-z0-9_]{0,30}", fullmatch=True),
    kind=st.just(Kind.ENUM),
    choices=st.lists(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=75), min_size=1, max_size=120, unique=True
    ).map(tuple),
)


@given(ODD, ODD, st.lists(PARAMETERS, max_size=120, unique_by=lambda one: one.name), st.booleans())
@relaxed
def test_a_window_for_arguments_fits_and_asks_for_each(
    title: str, summary: str, these: list[Parameter], is_placed: bool
) -> None:
    window = modals.arguments(title, summary, these, "about", is_placed)
    rules.view(window)
    asked = [block["block_id"] for block in window["blocks"] if block["type"] == "input"]
    assert asked[: len(these)] == [one.name for one in these][: modals.MOST_BLOCKS - 2]


@given(ODD, ODD, st.dictionaries(ODD, ODD, max_size=5))
@relaxed
def test_the_other_windows_fit(title: str, sentence: str, wrong: dict[str, str]) -> None:
    rules.view(modals.note(title, sentence))
    rules.view(modals.code(title, "0" * 16))
    assert all(len(why) <= 150 for why in modals.errors(wrong)["errors"].values())


@pytest.mark.parametrize("count", [49, 50, 51, 200])
def test_a_message_keeps_to_fifty_blocks_and_its_buttons(count: int) -> None:
    last = blocks.actions(blocks.button("Yes", "yes", "1"))
    body = blocks.message("x", *[blocks.section("x")] * count, last=last)
    fine(body)
    assert body["blocks"][-1] == last


def test_whoever_says_yes_reads_all_of_what_they_say_yes_to() -> None:
    """There may be many arguments of up to a thousand characters, and the last matters as much as the first."""
    given = {"text": f"{'harmless ' * 105}and --force", **{f"more_{n}": f"{'x' * 195} end {n}" for n in range(25)}}
    body = messages.question("Sure?", "0" * 16, messages.wish("deploy", given, ["cellar-1"]))
    fine(body)
    shown = str(body["blocks"])
    assert "and --force`" in shown
    assert all(f" end {n}`" in shown for n in range(25))


def test_a_secret_is_never_filled_in() -> None:
    window = modals.arguments("x", "y", [Parameter("password", Kind.SECRET, default="hunter2")], "", False)
    assert "hunter2" not in str(window)


@pytest.mark.parametrize(
    "said", ["<!channel>", "<!here>", "<@U123>", "<#C1>", "<https://evil.test|click>", "&lt;!channel&gt;"]
)
def test_what_a_command_says_calls_nobody(said: str) -> None:
    for body in (messages.result("Done", [said], False), messages.said(said), messages.listing(said, [said])):
        shown = " ".join([body["text"], *rules.texts(body["blocks"])])
        assert said not in shown
        assert texts.fitting(said, 200) in shown


def test_only_an_id_of_slacks_is_a_mention() -> None:
    assert texts.mention("U123") == "<@U123>"
    for wild in ("U1> <!channel", "u123", "!channel", "", "C1"):
        assert "<" not in texts.mention(wild)


def test_long_output_shows_its_head_and_tail() -> None:
    lines = [f"line {n}" for n in range(100_000)]
    body = messages.result("Done", lines, True)
    shown = "\n".join(rules.texts(body["blocks"]))
    assert "line 0\n" in shown
    assert "line 99999" in shown
    assert "99960 more lines" in shown
    fine(body)


def test_the_fakes_rules_see_what_is_too_much() -> None:
    for wrong in (
        {"text": "x" * 40_001},
        {"text": "x", "blocks": [blocks.section("x")] * 51},
        {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}]},
        {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "🧂" * 1_501}}]},
        {"text": "x", "blocks": [blocks.actions(blocks.button("a", "one", "1"), blocks.button("b", "one", "2"))]},
        {"text": "x", "blocks": [{"type": "divider", "colour": "red"}]},
        {"text": ""},
        {"blocks": [{"type": "divider"}]},
        {"text": "\x00"},
    ):
        with pytest.raises(rules.Refused):
            rules.message(wrong)
