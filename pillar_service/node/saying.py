"""How our errors reach whoever calls a function of a node through Salt."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from salt.exceptions import CommandExecutionError

from pillar_service.core.errors import SaltcellarError

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


def said(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """The same function, whose errors are Salt's, with the sentence alone: Salt prints that, and fails the call."""

    @functools.wraps(function)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        try:
            return function(*args, **kwargs)
        except SaltcellarError as error:
            raise CommandExecutionError(error.sentence) from error

    return wrapped
