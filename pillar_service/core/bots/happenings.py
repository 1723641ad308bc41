"""What happened to a bot, as its log shows it: the kinds of entries, their wording, and the lines of its container."""

import re
from enum import StrEnum

from pillar_service.core.jobs.commands import COMMANDS
from pillar_service.core.jobs.jobs import OVER
from pillar_service.core.names import fitting, one_of, printable

LINES = (50, 200, 1000)
"""How many lines of a container's log a person may choose to see."""


class Kind(StrEnum):
    """What the log can be narrowed to."""

    ACTIONS = "actions"
    INVITES = "invites"
    PEOPLE = "people"
    LOOKS = "looks"


INVITES = frozenset({"bots.invite", "bots.revoke"})
LOOKS = frozenset({"bots.invites", "bots.logs"})
"""Commands that only look at something: left out of the log unless it is filtered for them."""

COMMANDS_OF = {
    Kind.ACTIONS: frozenset(COMMANDS) - INVITES - LOOKS,
    Kind.INVITES: INVITES,
    Kind.PEOPLE: frozenset[str](),
    Kind.LOOKS: LOOKS,
}

PEOPLE = "sharing."
"""The prefix of audit actions about people."""

TOLD_BY_JOBS = frozenset(COMMANDS) | {f"jobs.{state}" for state in OVER}
"""Audit actions that are left out, because the jobs themselves say it better."""

WORDS = {
    "bots.create": "Create",
    "bots.import": "Import",
    "bots.start": "Start",
    "bots.stop": "Stop",
    "bots.restart": "Restart",
    "bots.upgrade": "Upgrade",
    "bots.rebuild": "Rebuild",
    "bots.delete": "Delete",
    "bots.bring_back": "Bring back",
    "bots.purge": "Forget its data",
    "bots.vacate": "Let it go to another node",
    "bots.export": "Export",
    "bots.invite": "Make an invite",
    "bots.revoke": "Revoke an invite",
    "bots.invites": "Look at the invites",
    "bots.logs": "Look at the container's log",
    "bots.describe": "Change the description",
    "bots.gone": "Removed from its node",
    "bots.move": "Move to another node",
    "bots.moved": "It lives on another node",
    "bots.move_back": "It stayed on its node",
    "bots.move_waits": "Its move waits",
    "bots.lost": "Its node was declared lost",
    "bots.restore": "Restore it on another node",
    "bots.purged": "Its data is gone",
    "jobs.cancel": "Cancel a job",
    "sharing.invite": "Invite a person",
    "sharing.withdraw": "Take an invitation back",
    "sharing.join": "Join",
    "sharing.remove": "Remove a person",
    "sharing.leave": "Leave",
    "sharing.hand_over": "Hand the bot over",
}


OF_PEOPLE = frozenset(action for action in WORDS if action.startswith(PEOPLE))


def words(action: str) -> str:
    """The wording of a command or action for people; an unknown one is returned as it is."""
    return WORDS.get(action, action)


def kind(given: object) -> Kind | None:
    """The kind of that name, None for all kinds; raises Invalid."""
    return None if given in (None, "") else one_of(Kind, given, "kind of entry")


SEQUENCE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # an operating system command: a title, a link
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)"  # a device's string
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # a control sequence: colours, cursor
    r"|\x1b[ -/]*[0-~]?"  # any other escape
)
"""Sequences that a terminal would obey instead of showing (ECMA-48)."""

LONGEST = 2000


def plain(line: object) -> str:
    """A line of a container's log, made harmless: no terminal sequences, no control or direction characters.

    Inside the text, such a character becomes a '�', and a tab becomes blanks; at most 2000 characters are kept.
    """
    text = SEQUENCE.sub("", str(line)[: 2 * LONGEST]).replace("\t", "    ").rstrip("\r\n")
    text = printable(text, "\N{REPLACEMENT CHARACTER}")
    return fitting(text, LONGEST)


def written(result: object) -> list[object]:
    """The lines in a node's answer to `bots.logs` ({"lines": […]}); none in anything else."""
    lines = result.get("lines") if isinstance(result, dict) else None
    return lines if isinstance(lines, list) else []


MOST = 100_000


def newest(lines: list[str]) -> list[str]:
    """The newest of these lines, at most 100 000 characters in all: more would make the page too large."""
    room, kept = MOST, 0
    for line in reversed(lines):
        room -= len(line) + 1
        if room < 0:
            break
        kept += 1
    return lines[len(lines) - kept :]
