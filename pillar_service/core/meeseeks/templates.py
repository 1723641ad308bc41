"""Templates of words with placeholders for arguments: `--tail={lines}`. They are filled word by word, never by a shell.

    {name}         the argument; if it was not given, the whole word is left out
    {name:text}    the text, if the argument is yes; otherwise the whole word is left out
    {{ and }}      a brace

A value stays one word, whatever it contains, and is not itself a template.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Invalid

PLACE = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)(?::([^{}]*))?\}|[{}]", re.ASCII)


def places(template: str) -> frozenset[str]:
    """The arguments that a template names; raises Invalid for a brace that is neither a placeholder nor doubled."""
    found = set()
    for match in PLACE.finditer(template):
        if match[1]:
            found.add(match[1])
        elif match[0] in "{}":
            raise Invalid(
                f"{names.shown(template)} has a single brace at character {match.start() + 1}: write '{{name}}' for an "
                "argument, and '{{' or '}}' for a brace."
            )
    return frozenset(found)


def word(template: str, arguments: Mapping[str, Any]) -> str | None:
    """The template with its placeholders filled; None if an argument of it was not given."""
    wanted = {match[1]: match[2] for match in PLACE.finditer(template) if match[1]}
    if any(_absent(arguments.get(name), text) for name, text in wanted.items()):
        return None
    return PLACE.sub(lambda match: _filled(match, arguments), template)


def words(templates: Sequence[str], arguments: Mapping[str, Any]) -> list[str]:
    """An argument list with its placeholders filled; words whose argument was not given are left out.

    Raises Invalid if a value would be read as an option: it begins with '-', and no '--' comes before it.
    """
    filled: list[str] = []
    for template in templates:
        value = word(template, arguments)
        if value is None:
            continue
        if value.startswith("-") and not template.startswith("-") and "--" not in filled and not _says_so(template):
            raise Invalid(f"The argument {_first(template)} can't begin with '-': it would be read as an option.")
        filled.append(value)
    return filled


def value(template: Any, arguments: Mapping[str, Any]) -> Any:
    """The value of a template for a Salt function: a placeholder alone keeps its argument's type; what is no text is kept."""
    alone = PLACE.fullmatch(template) if isinstance(template, str) else None
    if alone and alone[1] and alone[2] is None:
        return arguments.get(alone[1])
    return word(template, arguments) if isinstance(template, str) else template


def text(template: str, given: Mapping[str, Any]) -> str:
    """A sentence with its placeholders filled; what was not given is empty."""
    return PLACE.sub(lambda match: _filled(match, given), template)


def unknown(templates: Iterable[str], known: Iterable[str]) -> list[str]:
    """The names in the templates that are not known, sorted; raises Invalid as ``places`` does."""
    return sorted({name for template in templates for name in places(template)} - set(known))


def written(value: Any) -> str:
    """A value as a program receives it: `true`, `false`, a number in digits, a text as it is."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _absent(value: Any, text: str | None) -> bool:
    return value is None or (text is not None and value is not True)


def _filled(match: re.Match[str], given: Mapping[str, Any]) -> str:
    if not match[1]:
        return match[0][0]
    value = given.get(match[1])
    return "" if _absent(value, match[2]) else written(value) if match[2] is None else match[2]


def _says_so(template: str) -> bool:
    first = PLACE.match(template)
    return first is not None and first[2] is not None


def _first(template: str) -> str:
    return ", ".join(sorted(places(template)))
