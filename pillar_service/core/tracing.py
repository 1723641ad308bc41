"""Tracing: the id of the request that something is done for. Each line of the logs bears it, from the click to the node."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from pillar_service.core import names

HEADER = "X-Request-Id"
"""What a master says that it asks for, and what each answer is told to be."""

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}", re.ASCII)
"""An id of ours has 16 characters; others' (UUIDs) may come through a master. Nothing that could forge a line of a log."""

_current: ContextVar[str | None] = ContextVar("request", default=None)


def current() -> str | None:
    """The request that this thread works for; None where nobody asked (what is due is done by itself)."""
    return _current.get()


def begin(id: str | None = None) -> str:
    """From now on this thread works for that request, or for a new one; returns its id. What is no id is not taken."""
    chosen = id if id is not None and ID.fullmatch(id) else names.new_id()
    _current.set(chosen)
    return chosen


def end() -> None:
    """This thread works for nobody any more."""
    _current.set(None)


@contextmanager
def within(id: str | None = None) -> Iterator[str]:
    """What is done inside is done for that request, or for a new one."""
    before = _current.get()
    try:
        yield begin(id)
    finally:
        _current.set(before)


def listed(run: str, jobs: Mapping[str, str]) -> str:
    """A run, its jobs, and the request of each, as Salt's logs tell them, which know no fields. What is no id is left out."""
    words = [f"run={run}"]
    for job, request in jobs.items():
        words += [f"job={job}", f"request={request}"]
    return " ".join(word for word in words if ID.fullmatch(word.partition("=")[2]))
