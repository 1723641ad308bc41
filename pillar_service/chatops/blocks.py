"""Blocks of Block Kit, always within Slack's limits (docs.slack.dev/reference/block-kit)."""

from collections.abc import Iterable, Sequence
from typing import Any

from pillar_service.chatops import texts

Block = dict[str, Any]

MOST_BLOCKS = 50
MOST_SECTION = 3_000
MOST_BUTTON = 75
MOST_VALUE = 2_000
MOST_OPTION = 75
MOST_OPTIONS = 100
MOST_OPTION_VALUE = 150
MOST_IN_ALL = 12_000
"""Characters in all blocks of a message: Slack fails at some 13,200 (`msg_blocks_too_long`)."""

MOST_TEXT = 3_000
"""Characters of the text beside blocks, which notifications show; Slack would take 40,000."""

MORE = "… and more that does not fit here."


def section(text: str, accessory: Block | None = None) -> Block:
    """A paragraph of escaped mrkdwn; cut if it is too long."""
    shown = text if texts.length(text) <= MOST_SECTION else _shortened(text)
    made = {"type": "section", "text": {"type": "mrkdwn", "text": shown or "–", "verbatim": True}}
    return made if accessory is None else {**made, "accessory": accessory}


def _shortened(text: str) -> str:
    kept = text[: MOST_SECTION - 1]
    while texts.length(kept) > MOST_SECTION - 1:
        kept = kept[: -(texts.length(kept) - MOST_SECTION + 1)]
    cut = kept.rfind("&", len(kept) - 5)
    if cut >= 0 and ";" not in kept[cut:]:
        kept = kept[:cut]  # drop half an escaped character
    cut = kept.rfind("<")
    return (kept[:cut] if cut > kept.rfind(">") else kept) + "…"


def code(text: str | bytes, most: int = MOST_SECTION) -> Block:
    """A section with a code block."""
    return section(texts.code(text, min(most, MOST_SECTION)))


def context(text: str) -> Block:
    """Small print, of escaped mrkdwn."""
    return {"type": "context", "elements": [section(text)["text"]]}


def _plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": texts.plain(text, most), "emoji": True}


def button(label: str, action: str, value: str, style: str | None = None) -> Block:
    """A button; ``action`` must be unique in the message; ``value`` comes back when it is pressed. Raises ValueError."""
    if not value or texts.length(value) > MOST_VALUE:
        raise ValueError("A button's value has 1 to 2,000 characters.")
    made = {"type": "button", "text": _plain(label, MOST_BUTTON), "action_id": action[:255], "value": value}
    return {**made, "style": style} if style else made


def menu(action: str, placeholder: str, options: Sequence[tuple[str, str]]) -> Block:
    """A menu of at most 100 options (label, value), whose values are unique and at most 150 characters long."""
    return {
        "type": "static_select",
        "action_id": action[:255],
        "placeholder": _plain(placeholder, 150),
        "options": [option(label, value) for label, value in options[:MOST_OPTIONS]],
    }


def option(label: str, value: str) -> Block:
    """An option of a menu."""
    return {"text": _plain(label, MOST_OPTION), "value": value[:MOST_OPTION_VALUE]}


def actions(*elements: Block) -> Block:
    """A row of buttons and menus."""
    return {"type": "actions", "elements": list(elements)}


def size(block: Block) -> int:
    """How many of a block's characters count."""
    return sum(map(texts.length, _read(block)))


def _read(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for one in value.values():
            yield from _read(one)
    elif isinstance(value, list):
        for one in value:
            yield from _read(one)


def message(text: str, *these: Block, last: Block | None = None) -> Block:
    """A message's body: the text for notifications (escaped), and as many of the blocks as Slack takes.

    ``last`` is kept in any case, such as the buttons.
    """
    ends = [last] if last else []
    left = MOST_IN_ALL - sum(map(size, ends)) - len(MORE)
    kept: list[Block] = []
    for block in these:
        left -= size(block)
        if left < 0 or len(kept) >= MOST_BLOCKS - 1 - len(ends):
            kept.append(context(MORE))
            break
        kept.append(block)
    short = text if texts.length(text) <= MOST_TEXT else section(text)["text"]["text"]
    body: Block = {"text": short.strip() or "–"}
    return {**body, "blocks": [*kept, *ends]} if kept or ends else body
