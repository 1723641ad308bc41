"""Tracing: the id of the request that is being worked on. Every log line carries it, from the click to the node."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from pillar_service.core import names

HEADER = "X-Request-Id"
"""The header in which a master sends its request's id, and in which each response carries the id."""

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}", re.ASCII)
"""A request's id. Ours have 16 characters; a master may pass on others (UUIDs). It can't forge a line of a log."""

_current: ContextVar[str | None] = ContextVar("request", default=None)


def current() -> str | None:
    """The id of the request that this thread works for; None for work that nobody requested (timed duties)."""
    return _current.get()


def begin(id: str | None = None) -> str:
    """Let this thread work for that request, or for a new one if the id is missing or invalid; returns the id in use."""
    chosen = id if id is not None and ID.fullmatch(id) else names.new_id()
    _current.set(chosen)
    return chosen


def end() -> None:
    """Let this thread work for no request."""
    _current.set(None)


@contextmanager
def within(id: str | None = None) -> Iterator[str]:
    """A context in which the work is done for that request, or for a new one."""
    before = _current.get()
    try:
        yield begin(id)
    finally:
        _current.set(before)


def listed(run: str, jobs: Mapping[str, str]) -> str:
    """A run, its jobs and their requests as words for Salt's logs, which have no fields; invalid ids are left out."""
    words = [f"run={run}"]
    for job, request in jobs.items():
        words += [f"job={job}", f"request={request}"]
    return " ".join(word for word in words if ID.fullmatch(word.partition("=")[2]))
