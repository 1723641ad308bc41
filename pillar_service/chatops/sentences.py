"""The persona's sentences, as mrkdwn: escaped, except for the mention of the member who is addressed."""

from collections.abc import Mapping
from typing import Any

from pillar_service.chatops import texts
from pillar_service.core.chat.personas import BORING, Moment, Persona
from pillar_service.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NoNodes,
    NotFound,
    SaltcellarError,
    Unavailable,
)
from pillar_service.usecases.chat import turns
from pillar_service.usecases.meeseeks import catalogue

SOMEBODY = "\ue000"
"""Stands for the mention while the rest is escaped."""

NOTHING = {
    "user": "",
    "command": "",
    "job": "",
    "why": "",
    "nodes": "",
    "role": "",
    "count": 1,
    "minutes": "",
    "seconds": "",
}

MOMENTS: tuple[tuple[type[SaltcellarError], Moment], ...] = (
    (Forbidden, Moment.DENIED),
    (Unavailable, Moment.AWAY),
    (Conflict, Moment.AWAY),
    (Invalid, Moment.NOT_UNDERSTOOD),
    (NoNodes, Moment.NO_NODES),
    (NotFound, Moment.NOT_UNDERSTOOD),
)


def persona(channel: str) -> Persona:
    """The persona that speaks in a channel."""
    known = catalogue.current().personas
    return known.of(channel) if known.known else BORING


def named(name: str) -> Persona:
    """The persona with that name; the plain one if there is none."""
    return catalogue.current().personas.known.get(name, BORING)


def sentence(speaker: Persona, moment: Moment, command: str = "", seed: str = "", **words: Any) -> str:
    """What the persona says, at most 2,000 characters; ``user`` is a member's id.

    ``seed`` chooses among several sentences: a job's id, or by default the seed of the current turn.
    """
    known = catalogue.current().catalogue.commands.get(command)
    own: Mapping[Moment, tuple[str, ...]] = known.messages if known is not None else {}
    user = str(words.pop("user", ""))
    filled = {**NOTHING, "command": command, **words, "user": SOMEBODY if user else ""}
    first = (seed or turns.seed())[:6]
    choice = int(first, 16) if first and set(first) <= set("0123456789abcdef") else 0
    said = texts.fitting(speaker.says(moment, filled, choice, own), 2_000)
    return said.replace(SOMEBODY, texts.mention(user)).strip()


def refusal(speaker: Persona, error: SaltcellarError, command: str = "", user: str = "") -> str:
    """What the persona says about an error, to a member who asked for a command."""
    moment = next((moment for kind, moment in MOMENTS if isinstance(error, kind)), Moment.NOT_UNDERSTOOD)
    return sentence(speaker, moment, command, user=user, why=error.sentence)
