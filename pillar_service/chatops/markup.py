"""What somebody typed, recovered from the markup into which Slack turns a message.

docs.slack.dev/messaging/formatting-message-text. A name that looks like an address becomes a link (`my.butt.nz` ->
`<http://my.butt.nz|my.butt.nz>`), and `&`, `<` and `>` are escaped. Neither happens to the text of a slash command: our
manifest says `should_escape: false`.
"""

import html
import re

_MARKED = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
_ESCAPED = re.compile("&(?:amp|lt|gt);")


def typed(text: str) -> str:
    """The text as its writer saw it: a link as its label, a channel as `#name`; a person stays `<@U1>`."""
    return _ESCAPED.sub(lambda found: html.unescape(found[0]), _MARKED.sub(_seen, text))


def _seen(found: re.Match[str]) -> str:
    what, label = found[1], found[2]
    kind, rest = what[0], what[1:]
    if kind == "@":
        return found[0]
    if kind == "#":
        return f"#{label or rest}"
    if kind == "!":
        return label or f"@{rest}"
    return label or what.removeprefix("mailto:").removeprefix("tel:")
