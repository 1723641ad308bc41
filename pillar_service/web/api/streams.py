"""Server-sent events: a job's lines, or nodes' events, as they come.

Each stream holds a thread of its worker, so only a few are allowed at a time, and each ends after half an hour.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from flask import Response, g, stream_with_context
from werkzeug.exceptions import TooManyRequests

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.events.events import Filter
from pillar_service.core.jobs.faults import answer_for_people
from pillar_service.core.jobs.jobs import OVER
from pillar_service.usecases.events import stories
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.people import tokens
from pillar_service.web import incoming, waiting
from pillar_service.web.slots import Slots

EVENTS = "text/event-stream"
LONGEST_S = 1800.0
HEARTBEAT_S = 15.0
"""How often a silent stream sends a sign of life and checks the token again, in seconds."""

AGAIN_S = 10
"""When somebody who was refused should try again, in seconds."""

OF_ONE_PERSON = 2
slots = Slots(share=4, least=1, each=OF_ONE_PERSON)
"""Slots for streams: a quarter of the threads, and two for one person."""


def of_job(id: str, after: int) -> Response:
    """A stream of a job's lines after the n-th as events, and its end."""
    person, token = g.bearer.account, incoming.bearer()
    return _streamed(person, _of_job(person, token, id, after))


def _streamed(person: str, told: Iterator[str]) -> Response:
    held = ExitStack()
    if not held.enter_context(slots.taken(person)):
        raise TooManyRequests("Too many streams are running: end one, or try again soon.", retry_after=AGAIN_S)
    answer = Response(stream_with_context(told), mimetype=EVENTS)
    answer.headers["X-Accel-Buffering"] = "no"  # nginx would hold lines back
    answer.call_on_close(held.close)
    return answer


def of_nodes(asked: Filter, after: int) -> Response:
    """A stream of the events of the asker's nodes after the n-th, as they come."""
    person, token = g.bearer.account, incoming.bearer()
    return _streamed(person, _of_nodes(person, token, asked, after))


def _of_nodes(person: str, token: str, asked: Filter, after: int) -> Iterator[str]:
    until = time.monotonic() + LONGEST_S
    yield "retry: 3000\n\n"
    while time.monotonic() < until and not waiting.is_stopping():
        try:
            tokens.authenticate(token)
            told, seen = stories.following(person, asked, after)
            for one in told:
                yield _event(str(one["n"]), "event", one)
            if seen == after:
                yield ": still here\n\n"
            after = seen
            waiting.until(lambda after=after: stories.has_after(after, person), HEARTBEAT_S)  # type: ignore[misc]
        except SaltcellarError:  # the token ended, the asker is gone, or the database is away: they may ask again
            return


def _of_job(person: str, token: str, id: str, after: int) -> Iterator[str]:
    until = time.monotonic() + LONGEST_S
    yield "retry: 3000\n\n"
    while time.monotonic() < until and not waiting.is_stopping():
        try:
            tokens.authenticate(token)
            told = jobs.show_to(person, id, after)
        except SaltcellarError:  # the token ended, the person left the bot, or the database is away: they may ask again
            return
        for line in told["lines"]:
            yield _event(str(line["n"]), "line", line)
            after = line["n"]
        if told["job"]["state"] in OVER and told["next"] is None:
            yield _event(f"{after}.end", "end", told["job"])
            return
        if not told["lines"]:
            yield ": still here\n\n"
        if not _news(id, after):
            return


def _news(id: str, after: int) -> bool:
    """Wait for news or the next heartbeat; returns False if the asker is gone."""
    try:
        waiting.until(lambda: jobs.has_news(id, after), HEARTBEAT_S)
    except SaltcellarError:
        return False
    return True


def _event(id: str, event: str, data: dict[str, Any]) -> str:
    return f"id: {id}\nevent: {event}\ndata: {json.dumps(answer_for_people(data))}\n\n"
