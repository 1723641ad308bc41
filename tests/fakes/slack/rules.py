"""What Slack accepts in blocks, messages and views (docs.slack.dev: Block Kit reference). Whatever is unknown is refused."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Json = dict[str, Any]


class Refused(Exception):
    """Slack's answer {"ok": false, "error": …}, with the reason."""

    def __init__(self, error: str, why: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{error}: {why}")
        self.error, self.why, self.retry_after = error, why, retry_after


def length(text: str) -> int:
    """The length in UTF-16 units, as in JavaScript: an emoji counts as two. Slack may count fewer, never more."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def need(condition: object, why: str, error: str = "invalid_blocks") -> None:
    if not condition:
        raise Refused(error, why)


def known(value: Json, fields: Iterable[str], what: str) -> None:
    need(isinstance(value, dict), f"{what} is no object")
    unknown = set(value) - set(fields) - {"type"}
    need(not unknown, f"{what} has unknown fields {sorted(unknown)}")


def text_of(value: Any, most: int, what: str, kinds: tuple[str, ...] = ("plain_text",)) -> None:
    """A text object of 1 to `most` characters."""
    known(value, {"text", "emoji"} if value.get("type") == "plain_text" else {"text", "verbatim"}, what)
    need(value.get("type") in kinds, f"{what} is {value.get('type')}, not {kinds}")
    need(isinstance(value.get("text"), str), f"{what} has no text")
    need(1 <= length(value["text"]) <= most, f"{what} has {length(value['text'])} characters, not 1 to {most}")
    clean(value["text"], what)


def clean(text: str, what: str) -> None:
    """Refuse control characters and lone surrogates, which Slack drops or refuses."""
    bad = [c for c in text if (ord(c) < 32 and c not in "\n\t") or 0xD800 <= ord(c) <= 0xDFFF or c == "\x7f"]
    need(not bad, f"{what} has control characters {bad[:3]!r}")


def short(value: Any, most: int, what: str) -> None:
    need(
        isinstance(value, str) and 1 <= length(value) <= most, f"{what} must have 1 to {most} characters: {value!r:.80}"
    )


BOTH = ("plain_text", "mrkdwn")


def button(element: Json) -> None:
    known(element, {"text", "action_id", "value", "style", "confirm", "url"}, "button")
    text_of(element.get("text", {}), 75, "button text")
    short(element.get("action_id"), 255, "action_id")
    if "value" in element:
        short(element["value"], 2000, "button value")
    need(element.get("style") in (None, "primary", "danger"), "button style")
    if "confirm" in element:
        dialog(element["confirm"])


def dialog(value: Json) -> None:
    known(value, {"title", "text", "confirm", "deny", "style"}, "confirm")
    for field, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        text_of(value.get(field, {}), most, f"confirm {field}", BOTH if field == "text" else ("plain_text",))


def option(value: Json) -> None:
    known(value, {"text", "value", "description"}, "option")
    text_of(value.get("text", {}), 75, "option text", BOTH)
    short(value.get("value"), 150, "option value")
    if "description" in value:
        text_of(value["description"], 75, "option description")


def choice(element: Json) -> None:
    known(element, {"action_id", "options", "initial_option", "placeholder", "focus_on_load"}, element["type"])
    short(element.get("action_id"), 255, "action_id")
    need(1 <= len(element.get("options", [])) <= (100 if element["type"] == "static_select" else 10), "options")
    for one in element["options"]:
        option(one)
    need(len({one["value"] for one in element["options"]}) == len(element["options"]), "option values are not unique")
    if "initial_option" in element:
        need(element["initial_option"] in element["options"], "initial_option is not one of the options")
    if "placeholder" in element:
        text_of(element["placeholder"], 150, "placeholder")


def typed(element: Json) -> None:
    kind = element["type"]
    more = {"multiline"} if kind == "plain_text_input" else {"is_decimal_allowed", "min_value", "max_value"}
    fields = {"action_id", "initial_value", "placeholder", "focus_on_load", "min_length", "max_length"}
    known(element, fields | more, kind)
    short(element.get("action_id"), 255, "action_id")
    need("is_decimal_allowed" in element or kind == "plain_text_input", "number_input needs is_decimal_allowed")
    if "initial_value" in element:
        need(isinstance(element["initial_value"], str) and length(element["initial_value"]) <= 3000, "initial_value")
    if "placeholder" in element:
        text_of(element["placeholder"], 150, "placeholder")
    need(0 <= element.get("min_length", 0) <= 3000 and 1 <= element.get("max_length", 1) <= 3000, "lengths")


ELEMENTS: dict[str, Callable[[Json], None]] = {
    "button": button,
    "static_select": choice,
    "radio_buttons": choice,
    "plain_text_input": typed,
    "number_input": typed,
}


def element_of(value: Json, kinds: Iterable[str]) -> None:
    need(isinstance(value, dict) and value.get("type") in kinds, f"element {value!r:.80}")
    ELEMENTS[value["type"]](value)


def section(block: Json) -> None:
    known(block, {"text", "fields", "accessory", "block_id"}, "section")
    need("text" in block or block.get("fields"), "section says nothing")
    if "text" in block:
        text_of(block["text"], 3000, "section text", BOTH)
    need(len(block.get("fields", [])) <= 10, "more than 10 fields")
    for field in block.get("fields", []):
        text_of(field, 2000, "field", BOTH)
    if "accessory" in block:
        element_of(block["accessory"], ("button", "static_select"))


def header(block: Json) -> None:
    known(block, {"text", "block_id"}, "header")
    text_of(block.get("text", {}), 150, "header")


def context(block: Json) -> None:
    known(block, {"elements", "block_id"}, "context")
    need(1 <= len(block.get("elements", [])) <= 10, "context elements")
    for element in block["elements"]:
        text_of(element, 3000, "context text", BOTH)


def actions(block: Json) -> None:
    known(block, {"elements", "block_id"}, "actions")
    need(1 <= len(block.get("elements", [])) <= 25, "actions elements")
    for element in block["elements"]:
        element_of(element, ("button", "static_select"))


def entry(block: Json) -> None:
    known(block, {"label", "element", "hint", "optional", "block_id", "dispatch_action"}, "input")
    text_of(block.get("label", {}), 2000, "input label")
    element_of(block.get("element", {}), ("plain_text_input", "number_input", "static_select", "radio_buttons"))
    if "hint" in block:
        text_of(block["hint"], 2000, "hint")


def divider(block: Json) -> None:
    known(block, {"block_id"}, "divider")


BLOCKS: dict[str, Callable[[Json], None]] = {
    "section": section, "header": header, "context": context, "actions": actions, "divider": divider,
}  # fmt: skip


def blocks(value: Any, most: int = 50, is_view: bool = False) -> None:
    """Check the blocks of a message or view."""
    need(isinstance(value, list), "blocks are no list")
    need(len(value) <= most, f"{len(value)} blocks, not at most {most}")
    allowed = {**BLOCKS, "input": entry} if is_view else BLOCKS
    for block in value:
        need(isinstance(block, dict) and block.get("type") in allowed, f"block {block!r:.80}")
        allowed[block["type"]](block)
        if "block_id" in block:
            short(block["block_id"], 255, "block_id")
    unique([block["block_id"] for block in value if "block_id" in block], "block_id")
    unique([element["action_id"] for element in interactive(value)], "action_id")
    need(
        is_view or sum(map(length, texts(value))) <= 13_200, "more than 13,200 characters in all", "msg_blocks_too_long"
    )


def unique(ids: list[str], what: str) -> None:
    need(len(set(ids)) == len(ids), f"{what} is not unique: {ids}")


def interactive(value: Any) -> Iterator[Json]:
    """The interactive elements, wherever they are in the blocks."""
    if isinstance(value, dict):
        if "action_id" in value:
            yield value
        for one in value.values():
            yield from interactive(one)
    elif isinstance(value, list):
        for one in value:
            yield from interactive(one)


def texts(value: Any) -> Iterator[str]:
    """The readable texts in blocks."""
    if isinstance(value, dict):
        if value.get("type") in BOTH and isinstance(value.get("text"), str):
            yield value["text"]
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def message(said: Json) -> None:
    """Check a message's text and blocks."""
    text = said.get("text")
    need(text is None or isinstance(text, str), "text is no text", "invalid_arguments")
    need(text or said.get("blocks"), "neither text nor blocks", "no_text")
    need(length(text or "") <= 40_000, f"text has {length(text or '')} characters", "msg_too_long")
    clean(text or "", "text")
    if said.get("blocks") is not None:
        need(text, "blocks without a text for notifications", "no_text")
        blocks(said["blocks"])
    if said.get("metadata") is not None:
        known(said["metadata"], {"event_type", "event_payload"}, "metadata")


def view(value: Json) -> None:
    """Check a modal."""
    fields = {
        "title",
        "blocks",
        "submit",
        "close",
        "private_metadata",
        "callback_id",
        "notify_on_close",
        "clear_on_close",
    }
    known(value, fields, "view")
    need(value.get("type") == "modal", "view type", "invalid_arguments")
    for field in ("title", "submit", "close"):
        if field in value or field == "title":
            text_of(value.get(field, {}), 24, f"view {field}")
    blocks(value.get("blocks"), 100, is_view=True)
    has_input = any(block["type"] == "input" for block in value["blocks"])
    need("submit" in value or not has_input, "inputs without submit", "invalid_arguments")
    need(length(value.get("private_metadata", "")) <= 3000, "private_metadata", "invalid_arguments")
    need(length(value.get("callback_id", "")) <= 255, "callback_id", "invalid_arguments")
