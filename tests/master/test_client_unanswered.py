"""The client with nobody to answer: whatever is asked raises the one error that its callers expect."""

import inspect
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pillar_service.core.errors import Unavailable
from pillar_service.master.client import Client

GIVEN: dict[str, Any] = {
    "told": {},
    "arguments": {},
    "labels": {},
    "jids": {},
    "lines": [],
    "emails": [],
    "tar": io.BytesIO(),
}
ASKED = [name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")]


@pytest.fixture
def client(tmp_path: Path) -> Client:
    (tmp_path / "token").write_text("none")
    return Client("http://127.0.0.1:9", str(tmp_path / "token"))


def words(method: Callable[..., Any]) -> dict[str, Any]:
    """A value for each required argument."""
    asked = inspect.signature(method).parameters.values()
    return {
        one.name: GIVEN.get(one.name, "1") for one in asked if one.default is one.empty and one.kind != one.VAR_KEYWORD
    }


@pytest.mark.parametrize("name", ASKED)
def test_with_nobody_there_it_says_so(client: Client, name: str) -> None:
    method = getattr(client, name)
    with pytest.raises(Unavailable):
        method(**words(method))
