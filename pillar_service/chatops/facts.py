"""What somebody did in Slack, read from Slack's payloads. People are identified by (team id, user id) and nothing else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pillar_service.chatops import markup
from pillar_service.chatops.deliveries import Payload

SLACKBOT = "USLACKBOT"
SAID_BY_PEOPLE = (None, "file_share", "thread_broadcast")
"""Subtypes of messages that people write: none, with a file, in a thread and also in its channel."""

DIRECT = "direct"


@dataclass(frozen=True)
class Person:
    """A member of a team: the team that they belong to, not the one where they wrote."""

    team: str
    user: str


@dataclass(frozen=True)
class Said:
    """A message to the bot, without the mention. ``thread`` is the thread's ``ts``; None for a slash command.

    ``is_reply`` says that it was written in a thread; otherwise our answer begins the thread.
    """

    person: Person
    channel: str
    thread: str | None
    text: str
    is_direct: bool
    trigger: str | None = None
    is_reply: bool = False

    @property
    def whispering(self) -> str | None:
        """The thread for what only they may see: Slack shows that in a thread only once somebody has replied there."""
        return self.thread if self.is_reply else None


@dataclass(frozen=True)
class Pressed:
    """A button or menu choice: ``action`` is its id, ``value`` what it carries, ``message`` the message's ``ts``."""

    person: Person
    channel: str
    thread: str | None
    message: str
    action: str
    value: str
    trigger: str
    is_ephemeral: bool = False

    @property
    def below(self) -> str | None:
        """The thread to answer in; None for a message that only one person sees, as nobody can reply to that."""
        return self.thread or (None if self.is_ephemeral else self.message)

    @property
    def is_direct(self) -> bool:
        """Whether it is in a direct message."""
        return self.channel.startswith("D")


@dataclass(frozen=True)
class Submitted:
    """A submitted window: ``callback`` names it, ``about`` is its private metadata, ``values`` are by block id."""

    person: Person
    view: str
    callback: str
    about: str
    values: Mapping[str, str] = field(repr=False)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def is_for_us(payload: Payload) -> bool:
    """Whether an event is a new message by a person: not by a bot or us, nor edited, deleted, or about joining.

    docs.slack.dev/reference/events/message: all of those have another subtype, and messages by bots a bot_id.
    """
    event = payload.get("event") or {}
    if event.get("subtype") not in SAID_BY_PEOPLE:
        return False
    if any(event.get(name) for name in ("bot_id", "bot_profile", "edited", "hidden", "deleted_ts")):
        return False
    user, kind = _text(event.get("user")), event.get("type")
    if not user or user in (SLACKBOT, ours(payload)) or not _text(event.get("channel")):
        return False
    return kind == "app_mention" or (kind == "message" and event.get("channel_type") == "im")


def ours(payload: Payload) -> str:
    """The bot's own user id, according to the event."""
    these = payload.get("authorizations") or [{}]
    return _text(these[0].get("user_id")) if isinstance(these[0], dict) else ""


def said(payload: Payload) -> Said | None:
    """The message in an event; None if it is not for us."""
    if not is_for_us(payload):
        return None
    event = payload["event"]
    # In a channel shared with another team, `user_team` is the writer's own (docs.slack.dev/apis/slack-connect).
    team = next(
        (_text(value) for value in (*map(event.get, ("user_team", "team")), payload.get("team_id")) if value), ""
    )
    person = Person(team, event["user"])
    is_direct, above = event["type"] == "message", _text(event.get("thread_ts"))
    thread = above or _text(event.get("ts")) or None
    text = markup.typed(without_mention(_text(event.get("text")), ours(payload)))
    return Said(person, event["channel"], thread, text, is_direct, is_reply=bool(above)) if team else None


def without_mention(text: str, bot: str) -> str:
    """The text without a mention of the bot at its start (`<@U0BOT> help`)."""
    return re.sub(rf"^\s*<@{re.escape(bot)}(\|[^>]*)?>[:,]?", "", text, count=1).strip() if bot else text.strip()


def commanded(payload: Payload) -> Said:
    """The slash command in a payload."""
    person, channel = (
        Person(_text(payload.get("team_id")), _text(payload.get("user_id"))),
        _text(payload.get("channel_id")),
    )
    is_direct = channel.startswith("D")
    return Said(person, channel, None, _text(payload.get("text")).strip(), is_direct, _text(payload.get("trigger_id")))


def _person(payload: Payload) -> Person:
    user, team = payload.get("user") or {}, payload.get("team") or {}
    return Person(_text(user.get("team_id")) or _text(team.get("id")), _text(user.get("id")))


def pressed(payload: Payload) -> Pressed | None:
    """What was pressed; None in a window, whose choices are all submitted with it."""
    container, message = payload.get("container") or {}, payload.get("message") or {}
    if container.get("type") != "message":
        return None
    [action, *_] = payload["actions"]
    value = (action.get("selected_option") or {}).get("value") or action.get("value")
    channel, ts = _text(container.get("channel_id")), _text(container.get("message_ts"))
    thread = _text(message.get("thread_ts")) or _text(container.get("thread_ts")) or None
    what = (_text(action.get("action_id")), _text(value), _text(payload.get("trigger_id")))
    return Pressed(_person(payload), channel, thread, ts, *what, container.get("is_ephemeral") is True)


def submitted(payload: Payload) -> Submitted:
    """The window that was submitted."""
    view = payload["view"]
    about = (_text(view.get("id")), _text(view.get("callback_id")), _text(view.get("private_metadata")))
    return Submitted(_person(payload), *about, values_of(payload))


def values_of(payload: Payload) -> dict[str, str]:
    """The values that were filled in, by block id; empty inputs are left out."""
    found = {}
    for block, elements in payload["view"]["state"]["values"].items():
        for element in elements.values():
            chosen = element.get("selected_option") or {}
            value = chosen.get("value") if "selected_option" in element else element.get("value")
            if value is not None:
                found[block] = str(value)
    return found
