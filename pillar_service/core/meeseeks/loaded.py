"""The catalogue, roles and personas as loaded from their files; also as JSON, to be stored and read again."""

import dataclasses
import json
import types
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from pillar_service.core.chat.personas import Personas
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks.catalogue import Catalogue
from pillar_service.core.meeseeks.roles import Policy
from pillar_service.core.nodes import selectors
from pillar_service.core.nodes.selectors import Selector

TYPE = "is"
"""The key that names the class where there are several to choose from."""


@dataclass(frozen=True)
class Loaded:
    """All that the files contain; the same files have the same ``fingerprint``."""

    catalogue: Catalogue
    policy: Policy
    personas: Personas
    fingerprint: str


def to_json(loaded: Loaded) -> str:
    """The JSON text of what was loaded: the same content gives the same text."""
    return json.dumps(_plain(loaded), sort_keys=False, separators=(",", ":"))


def from_json(text: str) -> Loaded:
    """Read what ``to_json`` wrote; raises Invalid for anything else."""
    try:
        return _made(Loaded, json.loads(text))  # type: ignore[no-any-return]
    except (ValueError, TypeError, KeyError, AttributeError, Invalid) as error:
        raise Invalid(
            f"The stored catalogue can't be read ({type(error).__name__}): load it from its files again."
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Selector):
        return str(value)
    if dataclasses.is_dataclass(value):
        fields = {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        return {TYPE: type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(_plain(one) for one in value)
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value


def _made(kind: Any, told: Any) -> Any:
    arguments = get_args(kind)
    origin = get_origin(kind)
    if kind is Selector:
        return selectors.parse(told)
    if origin in (Union, types.UnionType):
        return None if told is None else _made(_chosen(arguments, told), told)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, told)
    if origin is tuple:
        return tuple(_made(arguments[0], one) for one in told)
    if origin is frozenset:
        return frozenset(_made(arguments[0], one) for one in told)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {_made(arguments[0], key): _made(arguments[1], one) for key, one in told.items()}
    return _scalar(kind, told)


def _chosen(choices: tuple[Any, ...], told: Any) -> Any:
    given = [choice for choice in choices if choice is not type(None)]
    return given[0] if len(given) == 1 else {choice.__name__: choice for choice in given}[told[TYPE]]


def _object(kind: type, told: Mapping[str, Any]) -> Any:
    if told[TYPE] != kind.__name__:
        raise TypeError(f"{told[TYPE]} is no {kind.__name__}")
    hints = get_type_hints(kind)
    return kind(**{name: _made(hints[name], one) for name, one in told.items() if name != TYPE})


def _scalar(kind: Any, told: Any) -> Any:
    if kind is Any:
        return told
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(told)
    if not isinstance(kind, type) or type(told) is not kind:
        raise TypeError(f"{told!r} is no {kind}")
    return told
