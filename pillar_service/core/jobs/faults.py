"""Raw error messages turned into sentences to act on: one for whoever runs the place, one for the bot's people.

The sentence for whoever runs the place is kept, because it names all that can be done. People have no shell on the
machine, and read their own version (`for_people`).
"""

import re
from typing import Any

from pillar_service.core import names
from pillar_service.core.jobs import steps
from pillar_service.core.jobs.jobs import NO_MASTER

BUILD_IT = "run `salt-run bots.rebuild <bot>` to build it there"
LOAD_IT = "load or pull it there and start the bot again, or run `salt-run bots.upgrade <bot>` for the newest one"
START_DOCKER = "start it there (systemctl start docker), then start the bot again"
"""Advice that ends several sentences for whoever runs the place; for people, each of these ends differently."""

NODE_AWAY = "The node is away: it did not take the job. Check that its salt-minion runs."

FAULTS: list[tuple[re.Pattern[str], str, str]] = [
    (
        re.compile(r"(?:port is already allocated|address already in use)", re.I),
        "The bot's port is taken by another program on the node: stop that program, then start the bot again. One that is new "
        "may as well be deleted and made anew: it gets another port.",
        "Another program on its machine uses the bot's port: have that program stopped, then start the bot again. You can also "
        "delete a bot that is new and make it again: it gets another port.",
    ),
    (
        re.compile(r"no space left on device|disk quota exceeded", re.I),
        "The node's disk is full: free some space on it, then start the bot again.",
        "The disk of its machine is full: tell whoever runs that machine, and start the bot again once there is room.",
    ),
    (
        re.compile(
            r"cannot connect to the docker daemon|error while fetching server api version"
            r"|docker.{0,40}not (?:running|answering)|docker\.sock|connection aborted.{0,80}(?:refused|no such file)",
            re.I | re.S,
        ),
        f"Docker does not answer on the node: {START_DOCKER}.",
        "Docker does not answer on its machine: tell whoever runs that machine, and start the bot again once it does.",
    ),
    (
        re.compile(
            r"^(?!.*image could not be built).*"  # there, the missing image is one that the build needs
            r"(?:no such image|pull access denied|manifest.{0,40}not found|unable to (?:pull|find) image)",
            re.I | re.S,
        ),
        f"The pub's image is not on the node: {LOAD_IT}.",
        "The pub's image is not on its machine: upgrade the bot to get the newest one.",
    ),
    (
        re.compile(r"read-only file system", re.I),
        "The node's disk is read-only: look at its kernel log, mend the disk, then start the bot again.",
        "The disk of its machine is read-only: tell whoever runs that machine, and start the bot again once it is mended.",
    ),
    (
        re.compile(
            r"'?(?:state|pubs|pub)\.\w+'? is not available|was not found in SLS|state '[\w.]+' was not found",
            re.I,
        ),
        "The node does not have our Salt modules yet: run `salt '<node>' saltutil.sync_all`, then try again.",
        "Its machine is not ready yet: try again in a few minutes. If that does not help, tell whoever runs this place.",
    ),
    (
        re.compile(r"the function .{0,60} is running as pid|another state run is in progress", re.I),
        "The node was busy with another state run: try again when it has ended.",
        "Its machine was busy with something else: try again in a minute.",
    ),
]
"""Patterns of raw messages, most specific first, each with the sentence for whoever runs the place and the one for people."""

FOR_PEOPLE = {said: theirs for _, said, theirs in FAULTS} | {
    NO_MASTER: "The master that runs jobs is away: this waits, and runs by itself once the master is back.",
    NODE_AWAY: "Its machine is away and did not take this: try again once it is back, or tell whoever runs it.",
    " does not answer the master: is it on?": " does not answer.",
    f"on the node: {BUILD_IT}.": "on its machine: rebuild the bot to build it there.",
    f"on the node: {LOAD_IT}.": "on its machine: upgrade the bot to get the newest one.",
    f"on the node: {START_DOCKER}.": (
        "on its machine: tell whoever runs that machine, and start the bot again once it does."
    ),
}
"""What people read instead of a sentence, or of the end of a sentence that begins with a name."""

TEXTS = frozenset({"detail", "error", "text"})
"""The keys in an API answer whose values may be such sentences."""

LONGEST = 500
TRACEBACK = "Traceback (most recent call last)"


def sentence(raw: str) -> str:
    """One clear sentence for a raw message; an unknown one is returned on one line, at most 500 characters long."""
    for pattern, said, _ in FAULTS:
        if pattern.search(raw):
            return said
    raw = raw.replace("\0", " ")  # PostgreSQL can't store it
    line = _crash(raw) if TRACEBACK in raw else " ".join(raw.split())
    return names.fitting(line, LONGEST)


def _crash(raw: str) -> str:
    """A traceback: its last line says what happened, the lines above only where."""
    return f"Saltcellar hit an error on the node (its minion's log says where): {raw.strip().splitlines()[-1].strip()}."


def for_people(text: str) -> str:
    """A kept text as people read it: steps in their words, without advice that only whoever runs the place can follow."""
    text = steps.for_people(text)
    for said, theirs in FOR_PEOPLE.items():
        text = text.replace(said, theirs)
    return text


def answer_for_people(value: Any) -> Any:
    """An answer of plain values in which each text under one of `TEXTS` is replaced by the version for people."""
    if isinstance(value, list):
        return [answer_for_people(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: for_people(one) if key in TEXTS and isinstance(one, str) else answer_for_people(one)
        for key, one in value.items()
    }
