"""Malicious files are refused within a moment with a sentence, and nothing in them runs."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillar_service.core.errors import Invalid
from pillar_service.documents import reading
from pillar_service.documents.faults import Faults, raise_any

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)


def refused(raw: bytes) -> str:
    faults = Faults("f.yaml")
    began = time.process_time()
    reading.plain(raw, faults)
    assert time.process_time() - began < 20
    with pytest.raises(Invalid) as told:
        raise_any(faults)
    return told.value.sentence


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (LAUGHS.encode(), "f.yaml:1: This file has more than"),
        (b"a: &a [*a]", "f.yaml:1: This file has more than"),
        (b"a: &a {b: *a}", "f.yaml:1: This file has more than"),
        (b"[" * 50_000, "f.yaml:1: This file has more than"),
        (b"{a: " * 30 + b"1" + b"}" * 30, "f.yaml:1: This file has more than"),
        (b"a: b\n" * 250_000, "f.yaml:1: This file has 1250000 bytes"),
        (b"a: \xff", "f.yaml:1: This file is not UTF-8 (byte 4)."),
        (b"a: 1\n\tb: 2", "f.yaml:2: This is not YAML"),
        (b"a: \x07", "f.yaml:1: This is not YAML"),
        (b"a: [1\nb: 2", "f.yaml:2: This is not YAML"),
        (b"a: 1\n---\nb: 2", "f.yaml:2: This is not YAML"),
        (b"a: *nobody", "f.yaml:1: This is not YAML"),
        (b"a: 1\nb: 1\na: 2", "f.yaml:3: 'a' is here twice: keep one."),
        (b"a: 1\n? [b]\n: 2", "f.yaml:2: A key must be a plain word"),
        (b"a: !!python/object/apply:os.system ['touch {canary}']", "f.yaml:1: this is read as"),
        (b"a: !!python/name:os.system x", "f.yaml:1: 'x' is read as"),
        (b"a: !!binary aGk=", "f.yaml:1: 'aGk=' is read as binary"),
        (b"a: !!set {x}", "f.yaml:1: this is read as set"),
        (b"a: !mine x", "f.yaml:1: 'x' is read as !mine"),
        (b"a: 1.5", "f.yaml:1: '1.5' is read as float"),
        (b"a: 0o17", None),
        (b"a: 017", "f.yaml:1: '017' is read as int"),
        (b"a: 1_000", "f.yaml:1: '1_000' is read as int"),
        (b"a: " + b"9" * 5000, "f.yaml:1: "),
        (b"a: !!int x", "f.yaml:1: 'x' is read as int"),
        (b"a: !!bool x", "f.yaml:1: 'x' is read as bool"),
    ],
)
def test_a_hostile_file_is_refused(raw: bytes, sentence: str | None, tmp_path: Path) -> None:
    if sentence is None:
        assert reading.plain(raw, Faults("f.yaml")) == {"a": "0o17"}
    else:
        canary = tmp_path / "canary"
        assert refused(raw.replace(b"{canary}", str(canary).encode())).startswith(sentence)
        assert not canary.exists()


def test_plain_values_are_read_as_they_stand() -> None:
    raw = b"a: [1, -2, yes, No, null, ~, '1', x y]\nb: &b {c: d}\ne: *b\n"
    faults = Faults("f.yaml")
    assert reading.plain(raw, faults) == {
        "a": [1, -2, True, False, None, None, "1", "x y"], "b": {"c": "d"}, "e": {"c": "d"},
    }  # fmt: skip
    assert not faults.found
    assert (faults.lines["a", 7], faults.lines["e",], faults.lines["e", "c"]) == (1, 3, 2)


@settings(max_examples=300)
@given(st.text(max_size=100) | st.text(alphabet="ab: -[]{}&*!|>'\"#\n?,", max_size=100))
def test_any_text_is_read_or_refused(text: str) -> None:
    faults = Faults("f.yaml")
    reading.plain(text.encode(errors="surrogatepass"), faults)
