"""Text for Slack: clean, escaped, and never longer than allowed.

Slack counts the escaped text; we count as JavaScript does, an emoji as two, which is never less than Slack's count.
docs.slack.dev/messaging/formatting-message-text: `&`, `<` and `>` are escaped, and nothing else; so `<!channel>` and
`<@U1>` in the output of a command stay plain words.
"""

import re

BAD = "\N{REPLACEMENT CHARACTER}"
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
APART = "`\N{ZERO WIDTH SPACE}"
"""A backtick that does not end a code block."""
CODE = 8
"""The characters of a code block besides its content."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_BAD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
_MEMBER = re.compile(r"[UW][A-Z0-9]{1,20}", re.ASCII)


def clean(text: str | bytes) -> str:
    """Text without broken UTF-8, control characters, colours, and marks that change its direction."""
    known = text.decode(errors="replace") if isinstance(text, bytes) else text
    known = _ANSI.sub("", known.replace("\r\n", "\n").replace("\r", "\n"))
    return _BAD.sub(BAD, known)


def length(text: str) -> int:
    """The most characters that Slack may count."""
    return len(text) + sum(character > "\uffff" for character in text)


def fitting(text: str | bytes, most: int, ending: str = "…") -> str:
    """The text, clean and escaped; if longer than ``most`` characters, its beginning, and ``ending``."""
    known = clean(text[: 4 * most + 4])
    whole = "".join(ESCAPES.get(character, character) for character in known)
    if len(text) <= 4 * most + 4 and length(whole) <= most:
        return whole
    return _cut(known, most - length(ending)) + ending if most > length(ending) else ""


def _cut(known: str, most: int) -> str:
    kept, left = [], most
    for character in known:
        written = ESCAPES.get(character, character)
        left -= length(written)
        if left < 0:
            break
        kept.append(written)
    return "".join(kept)


def plain(text: str | bytes, most: int, empty: str = "–") -> str:
    """Text for a label (`plain_text`, where nothing is escaped): one line of at most ``most`` characters, never empty."""
    known = " ".join(clean(text[: 4 * most]).split())
    if length(known) <= most:
        return known or empty
    kept, left = [], most - 1
    for character in known:
        left -= length(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def code(text: str | bytes, most: int) -> str:
    """The text in a code block of at most ``most`` characters; backticks in it don't end the block."""
    inner = clean(text[: 4 * most]).replace("`", APART)
    return f"```\n{fitting(inner, most - CODE) or ' '}\n```"


def is_whole(text: str, most: int) -> bool:
    """Whether `code` shows a whole text within ``most`` characters."""
    if len(text) > 4 * most:
        return False
    inner = clean(text).replace("`", APART)
    return sum(length(ESCAPES.get(character, character)) for character in inner) <= most - CODE


def mention(user: str) -> str:
    """A mention of a member, by the id that Slack gave; of anything else, the escaped text itself."""
    return f"<@{user}>" if _MEMBER.fullmatch(user) else fitting(user, 80)
