import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillar_service.core import names
from pillar_service.core.errors import Invalid

BAD = [
    "",
    "-",
    "a-",
    "-a",
    "A",
    "a.b",
    "a_b",
    "a\n",
    "a b",
    "ä",
    "а",
    "a" * 64,
    "../etc",
    "{{ 7 }}",
    "!!python/none",
    "a\x00",
    "٣",
    None,
    7,
    b"a",
]


@pytest.mark.parametrize("name", ["a", "0", "my", "garden-2", "a" * 63, "a--b"])
def test_a_dns_label_is_a_bot_name(name: str) -> None:
    assert names.bot_name(name) == name


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_not_and_the_sentence_stays_short(name: object) -> None:
    with pytest.raises(Invalid) as refused:
        names.bot_name(name)
    assert "can't be a bot's name" in refused.value.sentence
    assert refused.value.sentence.isprintable()
    assert len(refused.value.sentence) < 300


@given(st.text())
@example("a\n")
def test_what_passes_is_a_label_to_the_letter(name: str) -> None:
    try:
        names.bot_name(name)
    except Invalid:
        return
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 1 <= len(name) <= 63
    assert name.strip("-") == name


@given(st.text())
@example("..")
@example("a/../b")
def test_a_node_id_is_one_safe_path_segment(name: str) -> None:
    try:
        names.node_id(name)
    except Invalid:
        return
    assert "/" not in name
    assert ".." not in name
    assert name.isascii()
    assert name.isprintable()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("my", "'my'"),
        ("мой-бот", "'мой-бот'"),
        ("café", "'café'"),
        ("m\u0443", r"'m\u0443'"),  # a Cyrillic letter that looks like a y
        ("a\u202eb", r"'a\u202eb'"),
        ("a\nb", r"'a\nb'"),
        ("\ud800", r"'\ud800'"),
        (7, "7"),
    ],
)
def test_what_is_repeated_can_be_read_and_told_apart(said: object, shown: str) -> None:
    assert names.shown(said) == shown


def test_an_address_is_lowered_and_nonsense_refused() -> None:
    assert names.email(" Demo@Example.ORG ") == "demo@example.org"
    for wrong in ("demo", "@x", "a@", "a b@c.d", "a@b..c", "a\n@b.c", None):
        with pytest.raises(Invalid):
            names.email(wrong)


def test_whole_numbers_come_as_numbers_or_digits() -> None:
    assert names.whole_number("12", "x", 1, 20) == names.whole_number(12, "x", 1, 20) == 12
    for wrong in (True, 1.5, "1.5", "٣", "-1", 0, 21, None, [], "9" * 30):
        with pytest.raises(Invalid):
            names.whole_number(wrong, "x", 1, 20)


def test_text_is_one_printable_line() -> None:
    for written in ("Für Ann", "می\u200cخواهم", "for the \U0001f468\u200d\U0001f469\u200d\U0001f467"):
        assert names.text(written, "note", 200) == written
    for wrong in ("a\nb", "a\x00", "\u202e", "\ud800", "x" * 201, 5):
        with pytest.raises(Invalid):
            names.text(wrong, "note", 200)


def test_ids_are_made_as_they_are_read() -> None:
    assert names.ID.fullmatch(names.new_id())
    assert names.new_id() != names.new_id()


@pytest.mark.parametrize("name", [" Ann ", "李", "Dr. J. St.John", "🦀", "ann@example.org"])
def test_what_somebody_wants_to_be_called(name: str) -> None:
    assert names.person_name(name) == name.strip()


@pytest.mark.parametrize(
    "name", ["", "  ", "\u0301\u0302", "\u200c\u200d", "http://example.org", "win at example.org/x", "WWW.example.org"]
)
def test_a_name_is_seen_and_leads_to_no_page(name: str) -> None:
    with pytest.raises(Invalid, match="what you want to be called"):
        names.person_name(name)
