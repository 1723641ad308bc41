import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks import typed
from pillar_service.core.meeseeks.typed import Typed, read

LINES = [
    ("restart-bot my.butt.nz", ["my.butt.nz"], {}, ""),
    ("Restart-Bot my.butt.nz", ["my.butt.nz"], {}, ""),
    ("restart-bot\u00a0my.butt.nz\n", ["my.butt.nz"], {}, ""),
    ("restart-bot my\u200b.butt.nz", ["my.butt.nz"], {}, ""),
    ("restart-bot my -l environment=prd", ["my"], {}, "environment=prd"),
    ("restart-bot -l=environment=prd my", ["my"], {}, "environment=prd"),
    ("restart-bot --selector environment=prd my", ["my"], {}, "environment=prd"),
    ("restart-bot –l environment=prd my", ["my"], {}, "environment=prd"),
    ("restart-bot -l app in (a, b) my", ["my"], {}, "app in (a,b)"),
    ("restart-bot -l app in(a, b),!gpu my", ["my"], {}, "app in (a,b),!gpu"),
    ("restart-bot -l a=b, c=d my", ["my"], {}, "a=b,c=d"),
    ("restart-bot -l 'app in (a, b)' my", ["my"], {}, "app in (a,b)"),
    ("restart-bot -l a=b -l c my", ["my"], {}, "a=b,c"),
    ("restart-bot -l gpu in my", ["in", "my"], {}, "gpu"),
    ('restart-bot --reason "too slow" note=a=b', [], {"reason": "too slow", "note": "a=b"}, ""),
    ("restart-bot —reason “too slow” note=“a b”", [], {"reason": "too slow", "note": "a b"}, ""),
    ("restart-bot --reason=„too slow“", [], {"reason": "too slow"}, ""),
    ("restart-bot ‘it’s slow’ note=don't", ["it’s slow"], {"note": "don't"}, ""),
    (r'restart-bot "say \"no\" \\ now"', [r'say "no" \ now'], {}, ""),
    ("restart-bot 'a=b' \"--force\" note=", ["a=b", "--force"], {"note": ""}, ""),
    ("restart-bot --force my", ["my"], {"force": "yes"}, ""),
    ("restart-bot --force=no my", ["my"], {"force": "no"}, ""),
    ("restart-bot --no-wait 5m", [], {"no_wait": "5m"}, ""),
    ("restart-bot -5 --", ["-5"], {}, ""),
    ("restart-bot — --force", ["--force"], {}, ""),
    ("restart-bot Note=Hello", [], {"note": "Hello"}, ""),
    ("restart-bot --force Yes my", ["my"], {"force": "Yes"}, ""),
    ("restart-bot -- --force -l note=x", ["--force", "-l", "note=x"], {}, ""),
    ("restart-bot a/b=c 1=2 :smile: 👍 $(reboot) `id` a;b|c", None, {}, ""),
    ("restart-bot c:\\temp", ["c:\\temp"], {}, ""),
    ('restart-bot ""', [""], {}, ""),
]


@pytest.mark.parametrize(("line", "positional", "named", "selector"), LINES)
def test_a_line_says(line: str, positional: list[str] | None, named: dict[str, str], selector: str) -> None:
    told = read(line, lambda command: {"force"} if command == "restart-bot" else ())
    assert told.command == "restart-bot"
    assert list(told.positional) == (line.split()[1:] if positional is None else positional)
    assert (dict(told.named), str(told.selector)) == (named, selector)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "Nothing was asked for"),
        (" \u200b\n", "Nothing was asked for"),
        ('restart-bot "my', "quote at character 13 is never closed"),
        ("restart-bot note=“my", "quote at character 18 is never closed"),
        ('restart-bot "my"bot', "Put a blank after the quote at character 16"),
        ("restart-bot -x my", "no option '-x'"),
        ("restart-bot --x=1", "no option '--x=1'"),
        ("restart-bot --a.b my", "no option '--a.b'"),
        ("restart-bot --reason", "--reason needs a value"),
        ("restart-bot --reason --force", "--reason needs a value"),
        ("restart-bot -l", "--selector needs a value"),
        ("restart-bot -l a=*", "wrong at character 3"),
        ("restart-bot note=a --note b", "note was given twice"),
        ("x" * 40_000, "40000 characters"),
        (None, "Write a line"),
    ],
)
def test_a_wrong_line_is_answered_with_how_to_mend_it(line: object, sentence: str) -> None:
    with pytest.raises(Invalid) as told:
        read(line)
    assert sentence in told.value.sentence


@given(st.text(max_size=80) | st.text(alphabet="ab=-–—\"'“”‘’\\ l,()", max_size=80))
@example("!")
@example("—")
@example("--")
@example("a -l (")
@example("a \\")
def test_any_text_is_read_or_refused(line: str) -> None:
    try:
        told = read(line, lambda command: {"a"})
    except Invalid:
        return
    assert isinstance(told, Typed)
    assert told.command == told.command.lower()


@given(st.lists(st.text(min_size=1, max_size=20).filter(lambda text: not typed.INVISIBLE.search(text)), max_size=5))
def test_what_is_in_quotes_comes_out_as_it_is(values: list[str]) -> None:
    def quoted(value: str) -> str:
        return '"' + "".join(f"\\{char}" if char in typed.DOUBLE + "\\" else char for char in value) + '"'

    assert list(read(" ".join(["do", *map(quoted, values)])).positional) == values
