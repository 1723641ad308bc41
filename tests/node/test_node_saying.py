"""What Salt prints of our errors."""

import pytest
from salt.exceptions import CommandExecutionError

from pillar_service.core.errors import NotFound
from pillar_service.node.saying import said


@said
def find(name: str) -> str:
    """Find it."""
    if name != "my":
        raise NotFound(f"There is no {name}.")
    return name


def test_a_function_stays_what_it_is() -> None:
    assert (find("my"), find.__name__, find.__doc__) == ("my", "find", "Find it.")


def test_its_error_is_salts_with_the_sentence_alone() -> None:
    with pytest.raises(CommandExecutionError, match=r"^There is no your\.$"):
        find("your")


def test_what_is_no_error_of_ours_stays_what_it_is() -> None:
    with pytest.raises(TypeError):
        find()  # type: ignore[call-arg]
