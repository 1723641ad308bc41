"""From what an engine or a kernel said to a sentence that a person can act on."""

import re

FAULTS: list[tuple[re.Pattern[str], str]] = [
    (
        re.compile(r"(?:port is already allocated|address already in use)", re.I),
        "The bot's port is taken by another program on the node: stop that program, then start the bot again. One that is new "
        "may as well be deleted and made anew: it gets another port.",
    ),
    (
        re.compile(r"no space left on device|disk quota exceeded", re.I),
        "The node's disk is full: free some space on it, then start the bot again.",
    ),
    (
        re.compile(
            r"cannot connect to the docker daemon|error while fetching server api version"
            r"|docker.{0,40}not (?:running|answering)|docker\.sock|connection aborted.{0,80}(?:refused|no such file)",
            re.I | re.S,
        ),
        "Docker does not answer on the node: start it there (systemctl start docker), then start the bot again.",
    ),
    (
        re.compile(
            r"^(?!.*image could not be built).*"  # what its build lacked is another image
            r"(?:no such image|pull access denied|manifest.{0,40}not found|unable to (?:pull|find) image)",
            re.I | re.S,
        ),
        "The pub's image is not on the node: load or pull it there and start the bot again, or run "
        "`salt-run bots.upgrade <bot>` for the newest one.",
    ),
    (
        re.compile(r"read-only file system", re.I),
        "The node's disk is read-only: look at its kernel log, mend the disk, then start the bot again.",
    ),
    (
        re.compile(
            r"'?(?:state|pubs|pub)\.\w+'? is not available|was not found in SLS|state '[\w.]+' was not found",
            re.I,
        ),
        "The node does not have our Salt modules yet: run `salt '<node>' saltutil.sync_all`, then try again.",
    ),
    (
        re.compile(r"the function .{0,60} is running as pid|another state run is in progress", re.I),
        "The node was busy with another state run: try again when it has ended.",
    ),
]
"""Patterns of raw messages, most telling first, and the sentence for each."""

LONGEST = 500
TRACEBACK = "Traceback (most recent call last)"


def sentence(raw: str) -> str:
    """One clear sentence for a raw message; an unknown one is given as it is, on one line, at most 500 characters."""
    for pattern, said in FAULTS:
        if pattern.search(raw):
            return said
    line = _crash(raw) if TRACEBACK in raw else " ".join(raw.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _crash(raw: str) -> str:
    """A program error: its last line says what happened, the lines above only where."""
    return (
        f"Saltcellar made an error on the node (its minion's log tells where): {raw.strip().splitlines()[-1].strip()}."
    )
