"""What the bot says, as pure functions of plain facts: nothing here queries anything or knows the time."""

from collections.abc import Mapping, Sequence
from typing import Any

from pillar_service.chatops import blocks, texts
from pillar_service.chatops.blocks import Block

BUTTONS_MOST = 20
"""Up to so many tasks get a button each; more are chosen from menus."""

MENUS_MOST = 5
NODES_SHOWN = 60
LINES_SHOWN = 20
MOST_BOLD = 150
HEAD, TAIL = 10, 30
FITTING = 8_000
"""Up to so many characters of output are shown whole, as `fits` counts."""

ARGUMENT = 2_800
"""How many characters of an argument are shown, beside its name."""

PREVIEWED = 2_900
"""How many characters of a preview are shown in the question."""

MARKS = {
    "succeeded": "✓",
    "failed": "✗",
    "timed_out": "⏱",
    "cancelled": "–",
    "lost": "?",
    "running": "▶",
    "queued": "…",
}


def said(text: str) -> Block:
    """A message of one or more sentences, not escaped yet."""
    shown = texts.fitting(text, blocks.MOST_SECTION)
    return blocks.message(shown, blocks.section(shown))


def listing(title: str, lines: Sequence[str]) -> Block:
    """A titled list of lines."""
    return blocks.message(texts.fitting(title, 300), blocks.section(f"*{_bold(title)}*"), *_paragraphs(lines))


def _bold(text: str) -> str:
    return texts.fitting(" ".join(texts.clean(text[: 4 * MOST_BOLD]).split()).replace("*", "∗"), MOST_BOLD) or "–"


def _paragraphs(lines: Sequence[str]) -> list[Block]:
    return _sections([texts.fitting(line, 1_000) or " " for line in lines])


def _sections(rows: Sequence[str]) -> list[Block]:
    """Rows of mrkdwn, each short enough for a section, in as few sections as possible."""
    made, paragraph = [], ""
    for row in rows:
        if texts.length(paragraph) + texts.length(row) + 1 > blocks.MOST_SECTION:
            made.append(blocks.section(paragraph))
            paragraph = ""
        paragraph += f"{row}\n"
    return [*made, blocks.section(paragraph)] if paragraph.strip() else made


def tasks(greeting: str, these: Sequence[tuple[str, str]], hint: str = "") -> Block:
    """The tasks (name, summary) that somebody may ask for: a button for each, or menus if there are many."""
    hello, small = (
        blocks.section(texts.fitting(greeting, 1_000)),
        [blocks.context(texts.fitting(hint, 500))] if hint else [],
    )
    if not these:
        return blocks.message(texts.fitting(greeting, 1_000), hello, *small)
    if len(these) <= BUTTONS_MOST:
        rows = [_task(name, summary) for name, summary in these]
        return blocks.message(texts.fitting(greeting, 1_000), hello, *rows, *small)
    lines = [f"{name} – {summary}" for name, summary in these]
    return blocks.message(texts.fitting(greeting, 1_000), hello, *_paragraphs(lines)[:3], *small, last=_menus(these))


def _task(name: str, summary: str) -> Block:
    pick = blocks.button("Choose", f"pick:{name}", name)
    return blocks.section(f"*{_bold(name)}* {texts.fitting(summary, 300)}", pick)


def _menus(these: Sequence[tuple[str, str]]) -> Block:
    parts = [these[at : at + 100] for at in range(0, min(len(these), 100 * MENUS_MOST), 100)]
    return blocks.actions(
        *(blocks.menu(f"pick-from:{n}", f"{part[0][0]} … {part[-1][0]}", [(name, name) for name, _ in part])
          for n, part in enumerate(parts))
    )  # fmt: skip


def wish(command: str, arguments: Mapping[str, Any], nodes: Sequence[str]) -> list[Block]:
    """What will run, where, and with which arguments, each as long as a section allows: whoever confirms sees it here."""
    told = [f"*{_bold(command)}*"]
    told += [
        f"• {_bold(name)}: `{texts.fitting(str(value).replace('`', 'ˋ'), ARGUMENT) or ' '}`"
        for name, value in arguments.items()
    ]
    first, *more = _sections(told)
    return [first, blocks.section(places(nodes)), *more]


def places(nodes: Sequence[str]) -> str:
    """A list of nodes in one paragraph."""
    if not nodes:
        return "On the master, not on a node."
    shown = ", ".join(f"`{texts.fitting(node, 70)}`" for node in nodes[:NODES_SHOWN])
    more = f" and {len(nodes) - NODES_SHOWN} more" if len(nodes) > NODES_SHOWN else ""
    return f"On {len(nodes)} {'node' if len(nodes) == 1 else 'nodes'}: {shown}{more}"


def previewed(lines: Sequence[str], failed: Sequence[tuple[str, str]]) -> tuple[list[Block], bool]:
    """A preview before the question: where it failed and why, and its lines.

    Also returns whether it needs a file, as only the beginning of the lines is shown.
    """
    shown = [f"✗ It failed on `{texts.fitting(place, 70)}`: {texts.fitting(why, 300)}" for place, why in failed[:5]]
    shown += [f"✗ and on {len(failed) - 5} more"] if len(failed) > 5 else []
    is_cut = not texts.is_whole("\n".join(lines), PREVIEWED)
    cut = [blocks.context(f"This is the beginning: all {len(lines)} lines are in the file.")] if is_cut else []
    said = [blocks.code("\n".join(lines[: HEAD + TAIL] if is_cut else lines), PREVIEWED)] if lines else []
    nothing = [] if lines or failed else [blocks.context("No output.")]
    return [blocks.section("\n".join(["*Preview*", *shown])), *cut, *said, *nothing], is_cut


def question(
    sentence: str, job: str, about: Sequence[Block], preview: Sequence[Block] = (), kind: str = "confirm"
) -> Block:
    """Ask whether something shall happen, with what it is, and buttons for yes and no that carry the job's id.

    ``sentence`` is escaped mrkdwn, as in `progress` and `result`; ``preview``: blocks of `previewed`. ``kind`` is
    `confirm` (the asker confirms), `approve` (somebody else), or `code` (the button opens a window).
    """
    yes = {"confirm": "Yes", "approve": "Approve", "code": "Enter the code"}[kind]
    no = {"approve": "Decline"}.get(kind, "No")
    buttons = blocks.actions(
        blocks.button(yes, f"{kind}:yes:{job}", job, "primary"),
        blocks.button(no, f"{'confirm' if kind == 'code' else kind}:no:{job}", job, "danger"),
    )
    return blocks.message(sentence, blocks.section(sentence), *about, *preview, last=buttons)


def progress(sentence: str, about: Sequence[Block], parts: Sequence[tuple[str, str]], lines: Sequence[str]) -> Block:
    """A job under way: what it is, the state of each node (name, state), its last lines. Edited in place."""
    states = [blocks.section(_states(parts))] if len(parts) > 1 else []
    tail = [blocks.code("\n".join(lines[-LINES_SHOWN:]))] if lines else []
    return blocks.message(sentence, blocks.section(sentence), *about, *states, *tail)


def _states(parts: Sequence[tuple[str, str]]) -> str:
    rows = [f"{MARKS.get(state, '…')} `{texts.fitting(node, 70)}` {texts.fitting(state, 30)}" for node, state in parts]
    shown = "\n".join(rows[:30])
    return f"{shown}\nand {len(rows) - 30} more" if len(rows) > 30 else shown


def result(sentence: str, lines: Sequence[str], is_filed: bool, parts: Sequence[tuple[str, str]] = ()) -> Block:
    """The result of a job: the sentence (escaped mrkdwn), a line for each node, the output.

    ``is_filed`` says that the whole output follows as a file: then only its head and tail are shown.
    """
    states = [blocks.section(_states(parts))] if len(parts) > 1 else []
    output: list[Block] = []
    if lines and is_filed and len(lines) > HEAD + TAIL:
        cut = f"{len(lines) - HEAD - TAIL} more lines are in the file"
        output = [blocks.code("\n".join(lines[:HEAD])), blocks.context(cut), blocks.code("\n".join(lines[-TAIL:]))]
    elif lines:
        output = [blocks.code(part) for part in _pieces("\n".join(lines))]
    return blocks.message(sentence, blocks.section(sentence), *states, *output)


def fits(lines: Sequence[str]) -> bool:
    """Whether an output can be shown whole in a message."""
    whole = texts.clean("\n".join(lines)).replace("`", texts.APART)
    if len(whole) > FITTING:
        return False  # counting many millions of characters one by one would take a quarter of a minute
    return sum(2 + texts.length(texts.ESCAPES.get(one, one)) for one in whole) <= FITTING


def _pieces(whole: str) -> list[str]:
    # Counts characters as they will be written, so that `code` cuts no piece.
    made: list[str] = []
    piece: list[str] = []
    room = blocks.MOST_SECTION - 20
    for character in texts.clean(whole)[: blocks.MOST_IN_ALL + 1]:  # no message shows more
        room -= max(texts.length(texts.ESCAPES.get(character, character)), 2 if character == "`" else 1)
        if room < 0:
            made.append("".join(piece))
            piece, room = [], blocks.MOST_SECTION - 20 - 5
        piece.append(character)
    return [*made, "".join(piece)] if piece else made
