"""Reading what was typed from Slack's markup."""

import pytest
from fakes.slack.people import marked
from hypothesis import given
from hypothesis import strategies as st

from pillar_service.chatops import markup


@pytest.mark.parametrize(
    ("marked", "typed"),
    [
        ("restart-bot <http://my.butt.nz|my.butt.nz>", "restart-bot my.butt.nz"),
        ("see <https://example.org/a?b=1&amp;c=2>", "see https://example.org/a?b=1&c=2"),
        ("<mailto:ann@example.org|ann@example.org>", "ann@example.org"),
        ("<mailto:ann@example.org>", "ann@example.org"),
        ("in <#C01|general> and <#C02>", "in #general and #C02"),
        ("<!here> <!subteam^S01|@team>", "@here @team"),
        ("<@U02> <@W03|ann>", "<@U02> <@W03|ann>"),
        ("a &amp;lt; b &lt;c&gt; &quot;", "a &lt; b <c> &quot;"),
        ("1 &lt; 2 &gt; 0 <> <|> <", "1 < 2 > 0 <> <|> <"),
    ],
)
def test_markup_is_read(marked: str, typed: str) -> None:
    assert markup.typed(marked) == typed


@given(st.text() | st.from_regex(r"[a-z]{1,9}\.butt\.nz|<b>&amp;|https://example\.org/\?a=1&b=2| ", fullmatch=True))
def test_what_is_typed_arrives(text: str) -> None:
    assert markup.typed(marked(text)) == text
