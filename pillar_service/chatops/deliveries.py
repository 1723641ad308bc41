"""Something that Slack delivered, and its key, which is the same however often it comes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from pillar_service.core.errors import Invalid

Payload = dict[str, Any]
MOST_FIELDS = 100
UNREADABLE = "Slack sent something that can't be read."


@dataclass(frozen=True)
class Delivery:
    """One delivery. ``key`` is the same for every delivery of the same thing.

    ``signature`` is that of this delivery, empty in Socket Mode. ``is_again`` says that Slack itself calls it a
    redelivery.
    """

    key: str
    payload: Payload
    signature: str = ""
    is_again: bool = False

    @property
    def kind(self) -> str:
        """Its type: `event_callback`, `block_actions`, `view_submission`, …; `command` for a slash command."""
        return "command" if "command" in self.payload else str(self.payload.get("type", ""))


def from_http(body: bytes, content_type: str, headers: Mapping[str, str]) -> Delivery:
    """The delivery in a request (headers with names in lower case); raises Invalid if it can't be read."""
    try:
        text = body.decode()
        payload = json.loads(text) if content_type.partition(";")[0].strip() == "application/json" else _form(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(UNREADABLE) from error
    if not isinstance(payload, dict):
        raise Invalid(UNREADABLE)
    signature, again = headers.get("x-slack-signature", ""), "x-slack-retry-num" in headers
    return Delivery(key_of(payload), payload, signature, again)


def _form(text: str) -> Any:
    fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    return json.loads(fields["payload"]) if "payload" in fields else fields


def key_of(payload: Payload) -> str:
    """The key: an event's id; the trigger id of a command, press or submitted window; else a hash of the payload."""
    for field in ("event_id", "trigger_id"):
        if isinstance(payload.get(field), str) and payload[field]:
            return f"{field.removesuffix('_id')}:{payload[field][:200]}"
    whole = json.dumps(payload, sort_keys=True).encode(errors="surrogatepass")
    return f"hash:{hashlib.sha256(whole).hexdigest()}"
