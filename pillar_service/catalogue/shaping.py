"""Plain values as shapes; what does not fit is noted in sentences that say what would fit."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pillar_service.core import names
from pillar_service.documents.faults import Faults, Path

Model = TypeVar("Model", bound=BaseModel)

SENTENCES = {
    "missing": "{key} is missing here.",
    "string_type": "{key} must be a text, not {given}: put quotes around it.",
    "bool_type": "{key} must be yes or no, not {given}.",
    "int_type": "{key} must be a whole number, not {given}.",
    "list_type": "{key} must be a list, not {given}.",
    "dict_type": "{key} must be keys with values, not {given}.",
    "model_type": "{key} must be keys with values, not {given}.",
    "enum": "{key} can't be {given}: it must be one of {expected}.",
    "string_pattern_mismatch": "{key} can't be {given}: it must look like {pattern}.",
    "string_too_short": "{key} may not be empty.",
    "string_too_long": "{key} has more than {max_length} characters.",
    "too_short": "{key} has too few items: it needs at least {min_length}.",
    "too_long": "{key} has more than {max_length} items.",
    "greater_than_equal": "{key} must be at least {ge}, not {given}.",
    "less_than_equal": "{key} must be at most {le}, not {given}.",
}
"""The sentences for pydantic's types of errors."""


def shaped(shape: type[Model], value: Any, at: Path, faults: Faults) -> Model | None:
    """The value in its shape; None, with the faults noted, if it does not fit."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            place = tuple(part for part in one["loc"] if part != "[key]")
            faults.add((*at, *place), _sentence(one, _named((*at, *place)), shape))
        return None


def mapping(value: Any, at: Path, faults: Faults, what: str) -> dict[str, Any]:
    """The value, if it is a mapping; otherwise an empty one, which is noted as a fault unless the value is None."""
    if isinstance(value, dict):
        return value
    if value is not None:
        faults.add(at, f"{what} must be keys with values, not {names.shown(value)}.")
    return {}


def only(value: dict[str, Any], known: tuple[str, ...], faults: Faults) -> None:
    """Note each unknown word at the top level of a file."""
    for word in value:
        if word not in known:
            faults.add((word,), _unknown(word, known))


def _named(place: Path) -> str:
    last = place[-1]
    return f"item {last + 1} of {place[-2]}" if isinstance(last, int) else last


def _sentence(error: ErrorDetails, key: str, shape: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown(key, _known(shape, error["loc"]))
    given = names.shown(error["input"])
    sentence = SENTENCES.get(error["type"], "{key} can't be {given}.")
    return sentence.format(key=key, given=given, **{"expected": "", "pattern": "", **(error.get("ctx") or {})})


def _unknown(word: str, known: tuple[str, ...]) -> str:
    return f"{names.shown(word)} is unknown here; use one of: {', '.join(known)}."


def _known(shape: Any, place: tuple[Any, ...]) -> tuple[str, ...]:
    for part in place[:-1]:
        found = shape.model_fields.get(part) if hasattr(shape, "model_fields") else None
        shape = _model(found.annotation) if found else shape
    return tuple(shape.model_fields)


def _model(annotation: Any) -> Any:
    inside = [_model(one) for one in getattr(annotation, "__args__", ())]
    models = [one for one in (annotation, *inside) if isinstance(one, type) and issubclass(one, BaseModel)]
    return models[0] if models else annotation
