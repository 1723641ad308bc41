"""The methods of the Web API: arguments in, answer out, or Refused. Whatever is not named here is refused."""

import json
from collections.abc import Callable
from typing import Any

from fakes.slack import rules
from fakes.slack.rules import Refused, need
from fakes.slack.workspace import BOT, Json, Workspace

AUTHOR = {"username", "icon_emoji"}
MESSAGE = {
    "channel",
    "text",
    "blocks",
    "thread_ts",
    "metadata",
    "unfurl_links",
    "unfurl_media",
    "mrkdwn",
    "parse",
    *AUTHOR,
}
FIELDS: dict[str, set[str]] = {
    "auth.test": set(),
    "apps.connections.open": set(),
    "chat.postMessage": MESSAGE,
    "chat.update": {"channel", "ts", "text", "blocks", "metadata"},
    "chat.postEphemeral": {"channel", "user", "text", "blocks", "thread_ts", *AUTHOR},
    "chat.getPermalink": {"channel", "message_ts"},
    "conversations.open": {"users", "return_im"},
    "conversations.history": {"channel", "oldest", "limit", "include_all_metadata", "inclusive"},
    "conversations.replies": {"channel", "ts", "oldest", "limit", "include_all_metadata", "inclusive"},
    "users.info": {"user", "include_locale"},
    "views.open": {"trigger_id", "view"},
    "views.update": {"view_id", "view", "hash"},
    "files.getUploadURLExternal": {"filename", "length", "snippet_type", "alt_txt"},
    "files.completeUploadExternal": {"files", "channel_id", "initial_comment", "thread_ts"},
}


class Api:
    """The API's methods, on a workspace."""

    def __init__(self, workspace: Workspace, url: Callable[[], str]) -> None:
        self.workspace, self.url = workspace, url

    def call(self, method: str, given: Json) -> Json:
        """Call a method; return its answer or raise Refused."""
        need(method in FIELDS, method, "unknown_method")
        given = {name: _read(name, value) for name, value in given.items() if value is not None and name != "token"}
        unknown = set(given) - FIELDS[method]
        need(not unknown, f"{method} with {sorted(unknown)}", "invalid_arguments")
        with self.workspace.lock:
            answer: Json = getattr(self, method.replace(".", "_").lower())(given)
        return {"ok": True, **answer}

    def auth_test(self, _: Json) -> Json:
        return {"user_id": BOT, "team_id": self.workspace.team, "bot_id": "B0BOT", "user": "mrmeeseeks", "url": "x"}

    def apps_connections_open(self, _: Json) -> Json:
        return {"url": self.url().replace("http", "ws", 1) + "/socket"}

    def _message(self, given: Json) -> Json:
        rules.message(given)
        need(self.workspace.is_customized or not AUTHOR & set(given), "chat:write.customize", "missing_scope")
        need(isinstance(given.get("channel"), str), "no channel", "channel_not_found")
        self.workspace.limit(given["channel"])
        if "thread_ts" in given:
            need(isinstance(given["thread_ts"], str), "thread_ts", "invalid_arguments")
            self.workspace.thread(given["channel"], given["thread_ts"])
        return {"user": BOT, "bot_id": "B0BOT", **{k: v for k, v in given.items() if k != "channel"}}

    def chat_postmessage(self, given: Json) -> Json:
        kept = self.workspace.add(given["channel"], self._message(given))
        return {"channel": given["channel"], "ts": kept["ts"], "message": kept}

    def chat_update(self, given: Json) -> Json:
        rules.message(given)
        self.workspace.check(given["channel"])
        kept = self.workspace.find(given["channel"], given["ts"])
        need(kept.get("user") == BOT, "not ours", "cant_update_message")
        kept.pop("blocks", None)
        kept |= {name: given[name] for name in ("text", "blocks", "metadata") if name in given}
        kept["edits"] += 1
        return {"channel": given["channel"], "ts": given["ts"], "text": given.get("text", "")}

    def chat_postephemeral(self, given: Json) -> Json:
        need("user" in given, "no user", "user_not_in_channel")
        kept = {**self._message(given), "channel": given["channel"], "to": given["user"], "ts": self.workspace.ts()}
        # docs.slack.dev, chat.postEphemeral: in threads they "are only shown if there is already an active thread".
        if "thread_ts" not in given or self.workspace.thread(given["channel"], given["thread_ts"]):
            self.workspace.ephemerals.append(kept)
        return {"message_ts": kept["ts"]}

    def chat_getpermalink(self, given: Json) -> Json:
        self.workspace.find(given["channel"], given["message_ts"])
        return {
            "permalink": f"https://slack.test/{given['channel']}/{given['message_ts']}",
            "channel": given["channel"],
        }

    def conversations_open(self, given: Json) -> Json:
        return {"channel": {"id": f"D{given['users'][1:]}"}}

    def conversations_history(self, given: Json) -> Json:
        found = [m for m in self.workspace.messages.get(given["channel"], []) if not _is_reply(m)]
        return {"messages": _newest(found, given), "has_more": False}

    def conversations_replies(self, given: Json) -> Json:
        replies = self.workspace.thread(given["channel"], given["ts"])
        found = [self.workspace.find(given["channel"], given["ts"]), *replies]
        return {"messages": _newest(found, given), "has_more": False}

    def users_info(self, given: Json) -> Json:
        return {"user": {"id": given["user"], "team_id": self.workspace.team, "name": given["user"], "is_bot": False}}

    def views_open(self, given: Json) -> Json:
        rules.view(given["view"])
        user = self.workspace.use_trigger(given.get("trigger_id", ""))
        id = self.workspace.id("V")
        self.workspace.views[id] = {
            **given["view"],
            "id": id,
            "team_id": self.workspace.team,
            "user": user,
            "hash": "1",
        }
        return {"view": self.workspace.views[id]}

    def views_update(self, given: Json) -> Json:
        rules.view(given["view"])
        kept = self.workspace.views.get(given.get("view_id", ""))
        if kept is None:
            raise Refused("not_found")
        same = {name: kept[name] for name in ("id", "team_id", "user", "hash")}
        self.workspace.views[kept["id"]] = {**given["view"], **same}
        return {"view": self.workspace.views[kept["id"]]}

    def files_getuploadurlexternal(self, given: Json) -> Json:
        need(int(given.get("length", 0)) > 0 and given.get("filename"), "length and filename", "invalid_arguments")
        id = self.workspace.id("F")
        self.workspace.files[id] = {"name": given["filename"], "length": int(given["length"]), "content": None}
        return {"upload_url": f"{self.url()}/upload/{id}", "file_id": id}

    def files_completeuploadexternal(self, given: Json) -> Json:
        ids = [file["id"] for file in given["files"]]
        for id in ids:
            need(id in self.workspace.files, id, "file_not_found")
            need(self.workspace.files[id]["content"] is not None, "nothing was uploaded", "file_not_found")
        if "channel_id" in given:
            self.workspace.check(given["channel_id"])
            said = {"user": BOT, "bot_id": "B0BOT", "text": given.get("initial_comment", ""), "files": given["files"]}
            thread = {"thread_ts": given["thread_ts"]} if "thread_ts" in given else {}
            if thread:
                self.workspace.thread(given["channel_id"], given["thread_ts"])
            self.workspace.add(given["channel_id"], {**said, **thread})
        return {"files": given["files"]}


def _is_reply(message: Json) -> bool:
    return bool(message.get("thread_ts")) and message["thread_ts"] != message["ts"]


def _newest(found: list[Json], given: Json) -> list[Json]:
    since = [m for m in found if float(m["ts"]) >= float(given.get("oldest", 0))]
    return since[-int(given.get("limit", 100)) :][::-1]


def _read(name: str, value: Any) -> Any:
    # In a form, nested values are JSON.
    if name in ("blocks", "metadata", "view", "files") and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError as error:
            raise Refused("invalid_arguments", f"{name} is no JSON") from error
    return value
