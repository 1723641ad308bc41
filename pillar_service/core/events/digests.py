"""What a mail or a message in chat says of events: a line for each, of the first ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

SHOWN = 30
LONGEST = 200


@dataclass(frozen=True)
class Line:
    """An event as people are told of it."""

    at: float
    severity: str
    node: str
    type: str
    subject: str

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        return f"{at}  {self.severity:8}  {self.node}  {self.type}  {self.subject}"[:LONGEST]


def title(count: int) -> str:
    """What it is about, in a few words."""
    return "1 event" if count == 1 else f"{count} events"


def text(lines: Sequence[Line], count: int, lost: int, link: str) -> str:
    """All that is said: ``count`` events, of which the first are shown; ``lost`` were forgotten before they could go."""
    said = [str(line) for line in lines[:SHOWN]]
    if count > len(said):
        said.append(f"… and {count - len(said)} more")
    if lost:
        said.append(f"{title(lost)} before these can't be told any more: too old to be kept")
    return "\n".join([*said, "", f"All of them: {link}", ""])


def in_chat(text: str) -> str:
    """A text as Slack shows it: nothing in it calls anybody, or is a link of somebody's making."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
