"""The outbox: what we say in Slack is written in the transaction that says it, and sent afterwards (`sending.py`).

Messages of one lane (a thread) are sent one after another; lanes don't wait for each other. A ``body`` holds the
arguments for Slack that say what is shown: ``text``, ``blocks``; for a file ``name``, ``content``, ``text``; for a
window ``view`` and ``trigger`` or ``view_id``. It may hold what is shown only once (a token, a link, an invite), so it
is stored sealed.
"""

import json
import time
from typing import Any

from pillar_service.core.chat.chat import OutgoingKind
from pillar_service.core.errors import NotFound
from pillar_service.store.chat import conversations, outgoing
from pillar_service.store.database import transaction
from pillar_service.usecases.chat import turns
from pillar_service.usecases.service import sealing

Body = dict[str, Any]

PURPOSE = "outbox"
SEALED = "sealed"


def _sealed(id: str, body: Body) -> Body:
    return {SEALED: sealing.seal(PURPOSE, id, json.dumps(body))}


def opened(id: str, kept: Body) -> Body | None:
    """The body that the table stores; None if it was altered, or was sealed under another CELLAR_SECRET_KEY."""
    if SEALED not in kept:
        return kept  # empty, or queued by a version that did not seal
    told = sealing.opened(PURPOSE, id, kept[SEALED])
    return None if told is None else dict(json.loads(told))


def _lane(channel: str, thread: str | None) -> str:
    return f"{channel}/{thread or ''}"


def _add(kind: OutgoingKind, lane: str | None, body: Body, **columns: str | None) -> str:
    id = turns.new_id()
    with transaction():
        if outgoing.find(id) is None:  # else it was queued when the same delivery was processed before
            outgoing.add(id, lane or id, kind, _sealed(id, body), time.time(), **columns)
    return id


def post(channel: str, body: Body, thread: str | None = None, member: str | None = None) -> str:
    """Post a message in a channel, in a thread if one is given; returns the id of what was queued.

    If the bot may not speak there, the message goes to ``member`` directly.
    """
    return _add(OutgoingKind.POST, _lane(channel, thread), body, channel=channel, thread=thread, member=member)


def _conversation(id: str) -> conversations.Conversation:
    row = conversations.find(id)
    if row is None:
        raise NotFound("This conversation is no longer known here: ask again.")
    return row


def _lane_of(row: conversations.Conversation) -> str:
    # While our own message is yet to begin the thread, nothing else can be in it, so the lane has the conversation's name.
    return _lane(row.channel, row.thread) if row.thread and row.thread != row.message else row.id


def say(conversation: str, body: Body) -> str:
    """Post a message in a conversation's thread; raises NotFound."""
    row = _conversation(conversation)
    return _add(OutgoingKind.POST, _lane_of(row), body, conversation=row.id, channel=row.channel)


def show(conversation: str, body: Body) -> str:
    """Let a conversation's one message show this body, in place of any that still waits to be shown. Raises NotFound."""
    with transaction():
        row, waiting = _conversation(conversation), outgoing.waiting_show(conversation)
        if waiting is None:
            return _add(OutgoingKind.SHOW, _lane_of(row), body, conversation=row.id, channel=row.channel)
        outgoing.put_body(waiting.id, _sealed(waiting.id, body))
        return str(waiting.id)


def edit(channel: str, message: str, body: Body) -> str:
    """Let another message of ours, by its ``ts``, show this body, in place of any edit of it that still waits."""
    with transaction():
        waiting = outgoing.waiting_edit(channel, message)
        if waiting is None:
            return _add(OutgoingKind.EDIT, f"{channel}/edit/{message}", body, channel=channel, message=message)
        outgoing.put_body(waiting.id, _sealed(waiting.id, body))
        return str(waiting.id)


def whisper(channel: str, member: str, body: Body, thread: str | None = None) -> str:
    """Post a message that only one member sees."""
    where = {"channel": channel, "member": member, "thread": thread}
    return _add(OutgoingKind.EPHEMERAL, f"{_lane(channel, thread)}/{member}", body, **where)


def upload(conversation: str, name: str, content: str, text: str) -> str:
    """Upload a text file to a conversation's thread, with a sentence about it; raises NotFound."""
    row, body = _conversation(conversation), {"name": name, "content": content, "text": text}
    return _add(OutgoingKind.FILE, _lane_of(row), body, conversation=row.id, channel=row.channel)


def modal(trigger: str, view: Body, channel: str, member: str, otherwise: str) -> str:
    """Open a window with a trigger id; if that fails, the member reads ``otherwise`` in the channel."""
    body = {"trigger": trigger, "view": view, "otherwise": otherwise}
    return _add(OutgoingKind.MODAL, None, body, channel=channel, member=member)


def view(view_id: str, view: Body) -> str:
    """Change an open window."""
    return _add(OutgoingKind.VIEW, f"view/{view_id}", {"view_id": view_id, "view": view})
