"""How our errors reach whoever calls a node's function through Salt."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from salt.exceptions import CommandExecutionError

from pillar_service.core.errors import SaltcellarError
from pillar_service.node import tracing

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


def said(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """Wrap a function so that it raises our errors as Salt's, with just the sentence: Salt prints it and fails the call.

    Also logs in the minion's log for which request the function is called.
    """

    @functools.wraps(function)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        if "__opts__" in function.__globals__:  # the loader puts it there; a function called without it has none
            tracing.begun(function.__globals__["__opts__"])
        try:
            return function(*args, **kwargs)
        except SaltcellarError as error:
            raise CommandExecutionError(error.sentence) from error

    return wrapped
