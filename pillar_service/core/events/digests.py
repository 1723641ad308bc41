"""The text of a mail or chat message about events: one line for each of the first ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

SHOWN = 30
LONGEST = 200


@dataclass(frozen=True)
class Line:
    """One event as a line for people."""

    at: float
    severity: str
    node: str
    type: str
    subject: str

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        return f"{at}  {self.severity:8}  {self.node}  {self.type}  {self.subject}"[:LONGEST]


def title(count: int) -> str:
    """The subject of the message."""
    return "1 event" if count == 1 else f"{count} events"


def text(lines: Sequence[Line], count: int, lost: int, link: str) -> str:
    """The text for ``count`` events, of which the first are shown; ``lost`` were deleted before they could be sent."""
    said = [str(line) for line in lines[:SHOWN]]
    if count > len(said):
        said.append(f"… and {count - len(said)} more")
    if lost:
        said.append(f"Missing before these: {title(lost)}, too old to be kept")
    return "\n".join([*said, "", f"All of them: {link}", ""])


def in_chat(text: str) -> str:
    """A text escaped for Slack: it can't mention anybody or contain a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
