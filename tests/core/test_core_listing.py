import pytest

from pillar_service.core import listing
from pillar_service.core.errors import Invalid


@pytest.mark.parametrize("at", [0.0, 1.5, 1_700_000_000.1234567, 1_700_000_000.0])
def test_a_cursor_comes_back_as_it_was(at: float) -> None:
    cursor = listing.Cursor(at, "0123456789abcdef")
    assert listing.cursor(str(cursor)) == cursor


@pytest.mark.parametrize("wrong", ["x", "1", "_a", "1_", "1_a b", "1e9_a", "-1_a", "nan_a", "1_a\n", "9" * 400 + "_a"])
def test_what_is_no_cursor_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid):
        listing.cursor(wrong)


def test_a_page_has_room_for_so_many_lines():
    assert listing.fitting([]) == 0
    assert listing.fitting(["a"] * 10) == 10
    light, heavy = listing.fitting(["a" * 91] * 9999), listing.fitting(["<" * 91] * 9999)
    assert (light, heavy) == (listing.ROOM // 100, listing.ROOM // 373)


def test_a_day_is_all_of_it() -> None:
    assert (listing.since("1970-01-02"), listing.until("1970-01-02")) == (86_400.0, 172_800.0)
    assert (listing.since(""), listing.until(""), listing.cursor("")) == (None, None, None)


@pytest.mark.parametrize("wrong", ["today", "2026-02-30", "0001-01-01", "9999-12-31", "2026-01-01\0", "1" * 10_000])
def test_what_is_no_day_is_refused(wrong: str) -> None:
    for read in (listing.since, listing.until):
        with pytest.raises(Invalid):
            read(wrong)
