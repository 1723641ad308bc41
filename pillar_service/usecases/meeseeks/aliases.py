"""Aliases: each user's short words for the beginning of a line. An alias is expanded once, and its result not again."""

import time

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Invalid, NotFound
from pillar_service.core.meeseeks import typed
from pillar_service.core.meeseeks.catalogue import BUILT_IN
from pillar_service.store.database import transaction
from pillar_service.store.meeseeks import aliases
from pillar_service.usecases.meeseeks import catalogue
from pillar_service.usecases.meeseeks.asker import Asker

MOST = 50
"""How many aliases one user may have."""


def alias(asker: Asker, name: str, line: str) -> None:
    """Let a user write ``name`` for the beginning of a line from now on; replaces an existing alias of that name.

    Raises Invalid if the name is malformed, or that of a command or a word of the bot, or if the line can't be read or
    may hold a secret; Conflict for too many.
    """
    word, words = _checked(name.lower()), typed.words(line)
    first = words[0].text.lower() if words else ""
    known = catalogue.current().catalogue
    if first not in known.commands and first not in BUILT_IN:
        raise Invalid(f"{names.shown(first)} is not a command: an alias stands for a line that begins with one.")
    secretive = known.secretive([word.text for word in words])
    if secretive is not None:
        raise Invalid(f"{secretive} takes a secret, and an alias is stored as written: type that line each time.")
    with transaction():
        others = [one.name for one in aliases.of(asker.actor) if one.name != word]
        if len(others) >= MOST:
            raise Conflict(f"You have {MOST} aliases, the most you may have: 'unalias' one first.")
        aliases.put(asker.actor, word, line, time.time())


def _checked(word: str) -> str:
    if not names.SHORT_NAME.fullmatch(word):
        raise Invalid(f"{names.shown(word)} can't be an alias: use at most 40 lower-case letters, digits and '-'.")
    if word in BUILT_IN or word in catalogue.current().catalogue.commands:
        raise Invalid(f"{word} means something already: choose another word.")
    return word


def unalias(asker: Asker, name: str) -> None:
    """Delete an alias; raises NotFound."""
    with transaction():
        if not aliases.forget(asker.actor, name.lower()):
            raise NotFound(f"You have no alias {names.shown(name)}.")


def listed(asker: Asker) -> dict[str, str]:
    """A user's aliases: the lines by their names."""
    return {one.name: one.line for one in aliases.of(asker.actor)}


def expanded(asker: Asker, line: str) -> str:
    """The line with the alias at its beginning expanded, once; a command added since takes precedence over an alias."""
    first, *rest = line.split(maxsplit=1) or [""]
    word = first.lower()
    if word in BUILT_IN or word in catalogue.current().catalogue.commands:
        return line
    meant = aliases.line(asker.actor, word) if names.SHORT_NAME.fullmatch(word) else None
    return line if meant is None else " ".join([meant, *rest])
