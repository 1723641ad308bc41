"""How each kind of outbox entry is sent to Slack, and how to find out whether Slack already has it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from pillar_service.chatops import wire
from pillar_service.chatops.wire import Away, Lost, Refused
from pillar_service.core.chat.chat import ONCE, OutgoingKind
from pillar_service.usecases.chat import sending
from pillar_service.usecases.chat.sending import Item

EVENT = "saltcellar_message"
SKEW_S = 300.0
"""How far Slack's clock and ours may differ, in seconds."""

LOOKED_AT = 200
CANT_LOOK = frozenset({"not_in_channel", "channel_not_found", "thread_not_found", "missing_scope", "is_archived"})


class Spoken(NamedTuple):
    """The message's ``ts`` and channel at Slack; empty if there is no message."""

    message: str | None = None
    channel: str | None = None


def speak(client: WebClient, item: Item) -> Spoken:
    """Send an entry; returns where Slack has it. An entry in doubt is looked for first. Raises NotSent."""
    if item.is_in_doubt and item.kind in ONCE and not (item.kind is OutgoingKind.SHOW and item.message):
        found = _found(client, item)
        if found is not None:
            return found
    spoken: Spoken | None = _SPEAKERS[item.kind](client, item)
    return spoken or Spoken()


def _found(client: WebClient, item: Item) -> Spoken | None:
    """Where Slack already has it, or None: chat.postMessage takes no key, but keeps the metadata sent with a message."""
    channel, oldest = _channel(client, item), f"{item.created_at - SKEW_S:.6f}"
    common: dict[str, Any] = {"limit": LOOKED_AT, "include_all_metadata": True, "oldest": oldest}
    try:
        if item.thread:
            told = wire.call(client.conversations_replies, channel=channel, ts=item.thread, **common)
        else:
            told = wire.call(client.conversations_history, channel=channel, **common)
    except Refused as refused:
        if refused.error in CANT_LOOK:
            return None  # better twice than never
        raise Lost(str(refused)) from refused
    return next((Spoken(str(one["ts"]), channel) for one in told.get("messages", []) if _is(one, item)), None)


def _is(message: dict[str, Any], item: Item) -> bool:
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    files = {file.get("id") for file in message.get("files") or []}
    return payload.get("id") == item.id or (item.mark is not None and item.mark in files)


def _post(client: WebClient, item: Item) -> Spoken:
    channel, metadata = _channel(client, item), {"event_type": EVENT, "event_payload": {"id": item.id}}
    told = _signed(
        client.chat_postMessage, item,
        channel=channel, thread_ts=item.thread, metadata=metadata, unfurl_links=False, unfurl_media=False, **_said(item),
    )  # fmt: skip
    return Spoken(str(told["ts"]), channel)


def _signed(method: Callable[..., SlackResponse], item: Item, **arguments: Any) -> dict[str, Any]:
    """Call a method with the speaker's name and picture, or without them if the app lacks the scope."""
    icon = {"icon_emoji": item.speaker.icon} if item.speaker.icon else {}
    try:
        return wire.call(method, username=item.speaker.title, **icon, **arguments)
    except Away as away:
        if away.error != "missing_scope":
            raise
        return wire.call(method, **arguments)


def _show(client: WebClient, item: Item) -> Spoken | None:
    if item.message is None:
        return _post(client, item)
    _edit(client, item)
    return None


def _edit(client: WebClient, item: Item) -> None:
    wire.call(client.chat_update, channel=item.channel, ts=item.message, **{"blocks": [], **_said(item)})


def _whisper(client: WebClient, item: Item) -> None:
    where = {"channel": item.channel, "user": item.member, "thread_ts": item.thread}
    _signed(client.chat_postEphemeral, item, **where, **_said(item))


def _upload(client: WebClient, item: Item) -> None:
    content = str(item.body["content"]).encode(errors="replace") or b"\n"
    name, length = item.body["name"], len(content)
    begun = wire.call(client.files_getUploadURLExternal, filename=name, length=length)
    wire.upload(begun["upload_url"], content)
    sending.mark(item, begun["file_id"])
    files, text = [{"id": begun["file_id"], "title": name}], item.body["text"]
    channel = _channel(client, item)
    wire.call(
        client.files_completeUploadExternal,
        files=files,
        channel_id=channel,
        initial_comment=text,
        thread_ts=item.thread,
    )


def _open(client: WebClient, item: Item) -> None:
    wire.call(client.views_open, trigger_id=item.body["trigger"], view=item.body["view"])


def _view(client: WebClient, item: Item) -> None:
    wire.call(client.views_update, view_id=item.body["view_id"], view=item.body["view"])


def _said(item: Item) -> dict[str, Any]:
    return {name: item.body[name] for name in ("text", "blocks") if item.body.get(name)}


def _channel(client: WebClient, item: Item) -> str | None:
    """The channel; for a person's id, the direct messages with them."""
    if item.channel is None or not item.channel.startswith(("U", "W")):
        return item.channel
    return str(wire.call(client.conversations_open, users=item.channel)["channel"]["id"])


_SPEAKERS: dict[OutgoingKind, Any] = {
    OutgoingKind.POST: _post,
    OutgoingKind.SHOW: _show,
    OutgoingKind.EDIT: _edit,
    OutgoingKind.EPHEMERAL: _whisper,
    OutgoingKind.FILE: _upload,
    OutgoingKind.MODAL: _open,
    OutgoingKind.VIEW: _view,
}
