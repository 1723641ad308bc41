"""What a container wrote is shown as text only; what happened has words."""

import pytest

from pillar_service.core.bots import happenings
from pillar_service.core.errors import Invalid
from pillar_service.core.jobs.commands import COMMANDS


@pytest.mark.parametrize(
    ("wrote", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://evil.test\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#1\x1b\\after", "after"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("\x1bcreset", "reset"),
        ("cut \x1b[", "cut "),
        ("cut \x1b", "cut "),
        ("a\tb", "a    b"),
        ("a\rb", "a�b"),
        ("a\x00b\x08", "a�b�"),
        ("\u202egnp.exe", "�gnp.exe"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("end\r\n", "end"),
        (7, "7"),
    ],
)
def test_a_line_is_made_harmless(wrote, shown):
    assert happenings.plain(wrote) == shown
    assert happenings.plain(wrote).isprintable()


def test_a_line_without_end_is_cut():
    assert len(happenings.plain("x" * 9000)) == happenings.LONGEST


@pytest.mark.parametrize("other", [None, [], ["a"], "a", {}, {"lines": None}, {"lines": "a"}])
def test_the_lines_in_what_a_node_returned(other):
    assert happenings.written({"lines": ["a", "b"]}) == ["a", "b"]
    assert happenings.written(other) == []


def test_the_newest_lines_are_kept():
    lines = [f"{n} {'x' * 1000}" for n in range(1000)]
    kept = happenings.newest(lines)
    assert kept[-1] == lines[-1]
    assert sum(map(len, kept)) <= happenings.MOST
    assert len(kept) > 90
    assert happenings.newest(["a", "b"]) == ["a", "b"]


def test_every_command_is_of_one_kind_and_has_words():
    kinds = [command for commands in happenings.COMMANDS_OF.values() for command in commands]
    assert sorted(kinds) == sorted(COMMANDS)
    assert [command for command in COMMANDS if happenings.words(command) == command] == []


def test_a_kind_that_is_none_is_said():
    assert happenings.kind("") is None
    with pytest.raises(Invalid, match="actions, invites, people, looks"):
        happenings.kind("<script>")
