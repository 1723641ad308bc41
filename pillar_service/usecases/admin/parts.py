"""Parts of the service that it may come without."""

import importlib
from types import ModuleType


def part(name: str) -> ModuleType | None:
    """The use cases of that noun, or None where this service has none."""
    try:
        return importlib.import_module(f"pillar_service.usecases.{name}")
    except ModuleNotFoundError:
        return None
