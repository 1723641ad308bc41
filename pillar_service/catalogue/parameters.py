"""A command's parameters, made from their shapes."""

from collections.abc import Mapping
from typing import Any

from pillar_service.catalogue.shapes import ParameterShape
from pillar_service.core import durations, names
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks import parameters
from pillar_service.core.meeseeks.parameters import Kind, Parameter
from pillar_service.documents.faults import Faults, Path


def read(shapes: Mapping[str, ParameterShape], at: Path, faults: Faults) -> tuple[Parameter, ...]:
    """The parameters in the order of the file, without those that have a fault; each fault is noted."""
    made = [_parameter(name, shape, (*at, name), faults) for name, shape in shapes.items()]
    return tuple(one for one in made if one is not None)


def _parameter(name: str, shape: ParameterShape, at: Path, faults: Faults) -> Parameter | None:
    before = len(faults.found)
    if shape.kind not in list(Kind):
        faults.add((*at, "kind"), f"{names.shown(shape.kind)} is not a kind; use one of: {', '.join(Kind)}.")
        return None
    parameter = Parameter(
        name,
        Kind(shape.kind),
        shape.help.strip(),
        shape.required,
        shape.default,
        shape.pattern,
        _bound(shape.kind, shape.least, (*at, "least"), faults),
        _bound(shape.kind, shape.most, (*at, "most"), faults),
        tuple(shape.choices),
        shape.immutable,
    )
    for sentence in parameters.faults(parameter):
        faults.add(at, f"The parameter {name}: {sentence}.")
    return parameter if len(faults.found) == before else None


def _bound(kind: str, given: Any, at: Path, faults: Faults) -> int | None:
    if given is None:
        return None
    try:
        if kind == Kind.DURATION:
            return durations.seconds(given)
        if isinstance(given, int) and not isinstance(given, bool):
            return given
        raise Invalid(f"This must be a whole number, not {names.shown(given)}.")
    except Invalid as error:
        faults.add(at, error.sentence)
        return None
