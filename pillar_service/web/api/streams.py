"""Server-sent events: a job's lines, or what nodes tell, as they come.

Each stream holds a thread of its worker, so they are few and end.
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
"""How often a silent stream says that it lives, and whether who listens still may is looked at again."""

AGAIN_S = 10
"""When to come back who was told that there are too many, in seconds."""

OF_ONE_PERSON = 2
slots = Slots(share=4, least=1, each=OF_ONE_PERSON)
"""What streams hold: a quarter of the threads, and two of one person."""


def of_job(id: str, after: int) -> Response:
    """The lines of a job after the n-th as events, then its end."""
    person, token = g.bearer.account, incoming.bearer()
    return _streamed(person, _of_job(person, token, id, after))


def _streamed(person: str, told: Iterator[str]) -> Response:
    held = ExitStack()
    if not held.enter_context(slots.taken(person)):
        raise TooManyRequests("Too many streams run now: end one, or try again soon.", retry_after=AGAIN_S)
    answer = Response(stream_with_context(told), mimetype=EVENTS)
    answer.headers["X-Accel-Buffering"] = "no"  # nginx would hold lines back
    answer.call_on_close(held.close)
    return answer


def of_nodes(asked: Filter, after: int) -> Response:
    """What the asker's nodes tell after the n-th event, as it comes."""
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
        except SaltcellarError:  # the token ended, nobody listens, or the database is away: they may ask again
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
    """Wait for news or the next heartbeat; False when nobody listens any more."""
    try:
        waiting.until(lambda: jobs.has_news(id, after), HEARTBEAT_S)
    except SaltcellarError:
        return False
    return True


def _event(id: str, event: str, data: dict[str, Any]) -> str:
    return f"id: {id}\nevent: {event}\ndata: {json.dumps(answer_for_people(data))}\n\n"
