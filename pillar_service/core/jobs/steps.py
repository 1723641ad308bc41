"""The steps of a job as people read them: what a node's states report, without names and paths of the machine.

What is kept, and shown to whoever runs the place, is what Salt said: the state, and how it went.
"""

import re

STEP = re.compile(r"(\w+): (ok|failed)(?:, changed)?\.(?: (.*))?", re.S)
KEPT = "Its data is kept"
"""What the state `gone` says of a bot that can still be brought back."""

DONE = {
    "dir": "The place for its data is ready.",
    "config": "Its settings are written.",
    "imported": "Its exported data is in its place.",
    "container": "Its container is made and running.",
    "alive": "It answers.",
    "stopped": "It is stopped.",
    "gone": "It no longer runs.",
}
"""What people read for each state of a bot (states/pubs/bot) that succeeded."""

FAILED = "This step failed."


def for_people(text: str) -> str:
    """A line of a job as people read it; a line that is not about a state of a bot is returned as it is."""
    step = STEP.fullmatch(text)
    if not step or step[1] not in DONE:
        return text
    said = step[3] or ""
    if step[2] == "failed":
        return said or FAILED
    return f"{DONE[step[1]]} {KEPT}." if step[1] == "gone" and KEPT in said else DONE[step[1]]
