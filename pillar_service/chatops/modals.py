"""Windows, made of plain facts: a command's arguments, a one-time code, a sentence (docs.slack.dev/reference/views)."""

from collections.abc import Mapping, Sequence
from typing import Any

from pillar_service.chatops import blocks, texts
from pillar_service.chatops.blocks import Block
from pillar_service.core.meeseeks.parameters import Kind, Parameter

MOST_TITLE = 24
MOST_LABEL = 150
MOST_ABOUT = 3_000
MOST_BLOCKS = 100
SELECTOR = "selector"
CODE = "code"


def arguments(command: str, summary: str, these: Sequence[Parameter], about: str, is_placed: bool) -> Block:
    """A window for a command's arguments; ``about`` comes back with it; ``is_placed`` asks for a selector too."""
    inputs = [_input(one) for one in these if not one.immutable][: MOST_BLOCKS - 2]
    if is_placed:
        inputs.append(_selector())
    said = blocks.section(texts.fitting(summary, blocks.MOST_SECTION) or "–")
    return _window(command, "arguments", [said, *inputs], about, "Go on")


def _window(title: str, callback: str, these: list[Block], about: str = "", submit: str | None = None) -> Block:
    if texts.length(about) > MOST_ABOUT:
        raise ValueError("A window's private metadata has at most 3,000 characters.")
    made: Block = {"type": "modal", "title": _plain(title, MOST_TITLE), "blocks": these, "callback_id": callback}
    made |= {"private_metadata": about, "close": _plain("Cancel" if submit else "Close", MOST_TITLE)}
    return {**made, "submit": _plain(submit, MOST_TITLE)} if submit else made


def _plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": texts.plain(text, most)}


def _input(one: Parameter) -> Block:
    made: Block = {
        "type": "input",
        "block_id": one.name[:255],
        "label": _plain(one.name, MOST_LABEL),
        "element": _element(one),
    }
    made |= {"optional": not one.required, "hint": _plain(_hint(one), 300)}
    return made


def _hint(one: Parameter) -> str:
    seen = " Anyone who sees your screen can read it." if one.secret else ""
    return f"{one.wanted[:1].upper()}{one.wanted[1:]}.{seen}"


def _element(one: Parameter) -> Block:
    if one.kind in (Kind.ENUM, Kind.BOOL) and 0 < len(_choices(one)) <= blocks.MOST_OPTIONS:
        return _choice(one)
    made: Block = {"type": "plain_text_input", "action_id": f"argument:{one.name}"[:255]}
    if one.default is not None and not one.secret and texts.length(str(one.default)) <= blocks.MOST_SECTION:
        made["initial_value"] = texts.clean(str(one.default))
    if one.kind in (Kind.STRING, Kind.SECRET):
        made["max_length"] = min(max(one.bounds[1], 1), 3_000)
    return made


def _choices(one: Parameter) -> Sequence[str]:
    return ("yes", "no") if one.kind is Kind.BOOL else one.choices


def _choice(one: Parameter) -> Block:
    made = blocks.menu(f"argument:{one.name}", "Choose", [(choice, choice) for choice in _choices(one)])
    default = {True: "yes", False: "no"}.get(one.default, one.default) if one.kind is Kind.BOOL else one.default
    first = [option for option in made["options"] if option["value"] == default]
    return {**made, "initial_option": first[0]} if first else made


def _selector() -> Block:
    element = {"type": "plain_text_input", "action_id": f"argument:{SELECTOR}", "max_length": 1_000}
    hint = "Leave it empty for every node that you may use. For example: environment=prd,type!=X,app in (a,b),!gpu."
    label = _plain("On nodes with labels", MOST_LABEL)
    return {
        "type": "input",
        "block_id": SELECTOR,
        "label": label,
        "element": element,
        "optional": True,
        "hint": _plain(hint, 300),
    }


def code(command: str, job: str) -> Block:
    """A window for a one-time code; the job's id comes back with it."""
    element = {"type": "plain_text_input", "action_id": "otp", "max_length": 20}
    asked = {"type": "input", "block_id": CODE, "label": _plain("Your one-time code", MOST_LABEL), "element": element}
    said = blocks.section(
        f"*{texts.fitting(command, 100)}* needs a code from your second factor. The code works once, and only here."
    )
    return _window("One-time code", "code", [said, asked], job, "Confirm")


def note(title: str, sentence: str) -> Block:
    """A window that only says something."""
    return _window(title, "note", [blocks.section(texts.fitting(sentence, blocks.MOST_SECTION) or "–")])


def errors(these: Mapping[str, str]) -> dict[str, Any]:
    """The answer that keeps a window open, with a sentence at each wrong input."""
    return {"response_action": "errors", "errors": {name: texts.plain(why, 150) for name, why in these.items()}}
