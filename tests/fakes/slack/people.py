"""People in Slack: what they do and what they see."""

import html
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fakes.slack import rules
from fakes.slack.delivering import Ack
from fakes.slack.workspace import BOT, Json

if TYPE_CHECKING:
    from fakes.slack.slack import Slack

PATIENCE_S = 8.0

ADDRESS = re.compile(
    r"https?://[^\s<>]+|(?:[\w.+-]+@)?\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|org|net|io|nz|de)\b"
)
"""What Slack turns into a link: web addresses, mail addresses, and bare names with one of the known top-level domains."""


class User:
    """A user such as `T1/U1`. Each verb does what a client does, and waits for the app's ack."""

    def __init__(self, slack: "Slack", team: str, id: str) -> None:
        self.slack, self.team, self.id, self.name = slack, team, id, f"name-of-{id}"
        self.direct = f"D{id[1:]}"

    # What they do

    def mentions(self, text: str, channel: str = "C1", thread: str | None = None, **more: Any) -> str:
        """Write to the bot in a channel; returns the message's ts."""
        return self._writes("app_mention", f"<@{BOT}> {text}", channel, thread, more)

    def writes(self, text: str, thread: str | None = None, **more: Any) -> str:
        """Write to the bot in a direct message."""
        return self._writes("message", text, self.direct, thread, {"channel_type": "im", **more})

    def _writes(self, kind: str, text: str, channel: str, thread: str | None, more: Json) -> str:
        text = marked(text)
        if thread:
            self.slack.workspace.begin(channel, thread)
        ts = self.slack.said(channel, {"user": self.id, "text": text, **({"thread_ts": thread} if thread else {})})
        event = {"type": kind, "user": self.id, "team": self.team, "user_team": self.team, "text": text, "ts": ts}
        event |= {"channel": channel, "event_ts": ts, **({"thread_ts": thread} if thread else {}), **more}
        self.slack.event(event)
        return ts

    def slash(self, text: str, channel: str = "C1", command: str = "/meeseeks") -> Ack:
        """Write a slash command."""
        form = {"token": "x", "team_id": self.team, "team_domain": "t", "channel_id": channel, "channel_name": "c"}
        form |= {"user_id": self.id, "user_name": self.name, "command": command, "text": text, "api_app_id": "A1"}
        form |= {"trigger_id": self.slack.workspace.trigger(self.id), "is_enterprise_install": "false"}
        return self.slack.deliver("command", {**form, "response_url": self.slack.response_url(channel, self.id)})

    def presses(self, label: str, channel: str | None = None) -> Ack:
        """Press the newest button with that label."""
        message, button = self._found(lambda element: element["type"] == "button" and label_of(element) == label, label)
        action = {"type": "button", "text": button["text"], "value": button.get("value", "")}
        return self._acts(message, button, action, channel)

    def presses_in(self, text: str, label: str) -> Ack:
        """Press the button with that label in a block with this text, such as one task of a list."""

        def find() -> tuple[Json, Json] | None:
            for message in reversed(list(self.visible())):
                for block in message.get("blocks", []):
                    its = [
                        one for one in rules.interactive(block) if one["type"] == "button" and label_of(one) == label
                    ]
                    if its and text in "\n".join(rules.texts(block)):
                        return message, its[0]
            return None

        message, button = self._wait(find, f"{label!r} beside {text!r}", PATIENCE_S)
        return self._acts(message, button, {"type": "button", "text": button["text"], "value": button["value"]}, None)

    def picks(self, label: str, channel: str | None = None) -> Ack:
        """Choose the newest option with that label in a menu."""
        menus = lambda e: e["type"] == "static_select" and label in map(label_of, e["options"])  # noqa: E731
        message, menu = self._found(menus, label)
        [option] = [option for option in menu["options"] if label_of(option) == label]
        return self._acts(message, menu, {"type": "static_select", "selected_option": option}, channel)

    def _acts(self, message: Json, element: Json, action: Json, channel: str | None) -> Ack:
        where = channel or message["channel"]
        payload = {**self._who(), "type": "block_actions", "channel": {"id": where, "name": "c"}}
        payload["container"] = {
            "type": "message", "message_ts": message["ts"], "channel_id": where, "is_ephemeral": "to" in message,
        }  # fmt: skip
        shown = {name: message[name] for name in ("ts", "text", "blocks", "thread_ts") if name in message}
        if "to" not in message:  # ephemeral messages are not sent along
            payload["message"] = {"user": BOT, "bot_id": "B0BOT", "type": "message", **shown}
        action |= {"action_id": element["action_id"], "block_id": "b", "action_ts": f"{time.time():.6f}"}
        payload |= {"actions": [action], "state": {"values": {}}}
        payload["response_url"] = self.slack.response_url(where, self.id, message["ts"])
        return self.slack.deliver("interaction", payload)

    def _who(self) -> Json:
        user = {"id": self.id, "username": self.name, "name": self.name, "team_id": self.team}
        team = {"id": self.slack.workspace.team, "domain": "t"}
        trigger = self.slack.workspace.trigger(self.id)
        return {"user": user, "team": team, "api_app_id": "A1", "token": "x", "trigger_id": trigger}

    def submits(self, title: str = "", **values: str) -> Ack:
        """Fill in the open window (by its blocks' `block_id`s) and submit it; it stays open only if the app says so."""
        view = self._wait(lambda: self._form(title, set(values)), f"a window {title!r} for {set(values)}", PATIENCE_S)
        state = {block["block_id"]: _filled(block, values) for block in view["blocks"] if block["type"] == "input"}
        payload = {**self._who(), "type": "view_submission", "view": {**view, "state": {"values": state}}}
        ack = self.slack.deliver("interaction", {**payload, "response_urls": []})
        self._after(view, ack.payload)
        return ack

    def _after(self, view: Json, answer: Json) -> None:
        known = {None, "errors", "update", "clear"}
        assert answer.get("response_action") in known, answer
        if answer.get("response_action") == "update":
            rules.view(answer["view"])
            same = {name: view[name] for name in ("id", "team_id", "user", "hash")}
            self.slack.workspace.views[view["id"]] = {**answer["view"], **same}
        elif answer.get("response_action") != "errors":
            self.slack.workspace.views.pop(view["id"], None)

    # What they see

    def visible(self) -> Iterator[Json]:
        """Every message that they can read, oldest first."""
        with self.slack.workspace.lock:
            everything = [
                {**message, "channel": channel}
                for channel, messages in self.slack.workspace.messages.items()
                for message in messages
                if not channel.startswith("D") or channel == self.direct
            ]
            whispered = [dict(message) for message in self.slack.workspace.ephemerals if message["to"] == self.id]
        yield from sorted(everything + whispered, key=lambda message: float(message["ts"]))

    def sees(self, text: str, patience_s: float = PATIENCE_S) -> Json:
        """Wait for the bot's newest message with this text; return it."""
        return self._wait(lambda: self._with(text), f"{text!r}", patience_s)

    def _with(self, text: str) -> Json | None:
        ours = [message for message in self.visible() if message.get("user") == BOT or "to" in message]
        return next((message for message in reversed(ours) if text in readable(message)), None)

    def _form(self, title: str, asked: set[str]) -> Json | None:
        """The newest open window with that title and these inputs."""
        for view in reversed(list(self.slack.workspace.views.values())):
            inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
            if view["user"] == self.id and title in view["title"]["text"] and inputs and asked <= inputs:
                return view
        return None

    def window(self, title: str = "") -> Json:
        """Wait for an open window with that title; return it."""

        def find() -> Json | None:
            views = [v for v in self.slack.workspace.views.values() if v["user"] == self.id]
            return next((v for v in reversed(views) if title in v["title"]["text"]), None)

        return self._wait(find, f"a window {title!r}", PATIENCE_S)

    def windows_with(self, text: str) -> Json:
        """Wait for a window that shows a text; return it."""

        def find() -> Json | None:
            views = [v for v in self.slack.workspace.views.values() if v["user"] == self.id]
            return next((v for v in reversed(views) if text in "\n".join(rules.texts(v))), None)

        return self._wait(find, f"a window with {text!r}", PATIENCE_S)

    def _found(self, is_it: Callable[[Json], bool], what: str) -> tuple[Json, Json]:
        def find() -> tuple[Json, Json] | None:
            for message in reversed(list(self.visible())):
                for element in rules.interactive(message.get("blocks", [])):
                    if is_it(element):
                        return message, element
            return None

        return self._wait(find, f"something to press: {what!r}", PATIENCE_S)

    def _wait(self, find: Callable[[], Any], what: str, patience_s: float) -> Any:
        until = time.monotonic() + patience_s
        while (found := find()) is None:
            seen = "\n---\n".join(readable(message) for message in self.visible())
            assert time.monotonic() < until, f"{self.id} does not see {what}, but:\n{seen}\n{self.slack.refused}"
            time.sleep(0.01)
        return found


def marked(text: str) -> str:
    """A typed message as Slack passes it on: escaped, with web and mail addresses as links; mentions stay.

    File names whose ending looks like a domain become links, too (docs.slack.dev/messaging/formatting-message-text).
    """
    escaped = html.escape(text, quote=False)
    escaped = re.sub(r"&lt;([@#!][A-Z0-9]+)&gt;", r"<\1>", escaped)
    return ADDRESS.sub(_linked, escaped)


def _linked(found: re.Match[str]) -> str:
    written = found[0]
    if "://" in written:
        return f"<{written}>"
    return f"<mailto:{written}|{written}>" if "@" in written else f"<http://{written}|{written}>"


def label_of(element: Json) -> str:
    """The label of a button or option."""
    return str(element["text"]["text"])


def readable(message: Json) -> str:
    """The readable text of a message: its blocks, or otherwise its text."""
    return "\n".join(rules.texts(message["blocks"])) if message.get("blocks") else str(message.get("text", ""))


def _filled(block: Json, values: dict[str, str]) -> Json:
    element, value = block["element"], values.get(block["block_id"])
    if "options" in element:
        chosen = [option for option in element["options"] if option["value"] == value or label_of(option) == value]
        answer: Json = {"selected_option": chosen[0] if chosen else element.get("initial_option")}
    else:
        answer = {"value": value if value is not None else element.get("initial_value")}
    return {element["action_id"]: {"type": element["type"], **answer}}
