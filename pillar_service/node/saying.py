"""How our errors reach whoever calls a function of a node through Salt."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from salt.exceptions import CommandExecutionError

from pillar_service.core.errors import SaltcellarError
from pillar_service.node import tracing

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


def said(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """The same function, whose errors are Salt's, with the sentence alone: Salt prints that, and fails the call.

    The minion's log tells for which request it is called.
    """

    @functools.wraps(function)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        if "__opts__" in function.__globals__:  # the loader puts it there; a function called by itself has none
            tracing.begun(function.__globals__["__opts__"])
        try:
            return function(*args, **kwargs)
        except SaltcellarError as error:
            raise CommandExecutionError(error.sentence) from error

    return wrapped
