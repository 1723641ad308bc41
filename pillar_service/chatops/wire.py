"""Slack's Web API, and what its failures mean for a message that is being sent.

NotSent
├── Refused    Slack said no, and would say so again
├── Limited    too many: try again after `wait_s` (429, docs.slack.dev/apis/web-api/rate-limits)
├── Away       it did not reach Slack, or Slack takes nothing from us for now
└── Lost       no clear answer: Slack may have it
"""

import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from pillar_service.usecases.service import measuring

TIMEOUT_S = 10
"""How long an answer from Slack may take, in seconds."""

NOT_NOW = frozenset(
    {
        *("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"),
        *("org_login_required", "ekm_access_denied", "access_denied", "team_access_not_granted", "no_permission"),
    }
)
"""Errors that somebody can fix at Slack, so nothing is given up for them."""

UNCLEAR = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
WORD = re.compile("[a-z_]+")
"""What Slack's own errors look like; for an answer that is not JSON, the library's error is a sentence."""

NEVER_REACHED = (ConnectionRefusedError, urllib.error.ContentTooShortError)
LIMITED = ("ratelimited", "rate_limited", "message_limit_exceeded")


class NotSent(Exception):
    """The message is not known to be at Slack."""


class Refused(NotSent):
    """Slack refuses it for good; ``error`` is Slack's code for why."""

    def __init__(self, error: str) -> None:
        super().__init__(f"Slack refused it: {error}.")
        self.error = error


class Limited(NotSent):
    """Slack wants us to wait so many seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"Slack wants us to wait {wait_s:g} s.")
        self.wait_s = wait_s


class Away(NotSent):
    """Slack can't be reached, or takes nothing from us for now; ``error`` is Slack's code for why, if it gave one."""

    def __init__(self, said: str, error: str = "") -> None:
        super().__init__(said)
        self.error = error


class Lost(NotSent):
    """There was no clear answer: Slack may have it."""


OUTCOMES = {Limited: "rate_limited", Lost: "no_answer"}
"""The names of failed calls' outcomes in the metrics; any other is "error"."""


def client(token: str, url: str) -> WebClient:
    """A client that tries only once, as the outbox does the retrying. ``url`` ends with a slash."""
    return WebClient(token=token, base_url=url, timeout=TIMEOUT_S, retry_handlers=[])


def call(method: Callable[..., SlackResponse], **arguments: Any) -> dict[str, Any]:
    """The answer of a method of the client; raises a kind of NotSent."""
    try:
        answered = _answer(method, arguments)
    except NotSent as error:
        measuring.slack_call(method.__name__, OUTCOMES.get(type(error), "error"))
        raise
    measuring.slack_call(method.__name__, "ok")
    return answered


def _answer(method: Callable[..., SlackResponse], arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        answer = method(**{name: value for name, value in arguments.items() if value is not None})
    except SlackApiError as error:
        raise _meant(error) from None  # the error's text holds what was sent
    except urllib.error.URLError as error:
        raise _unreached(error.reason) from error
    except (OSError, HTTPException, SlackClientError, ValueError) as error:
        raise _unreached(error) from error
    return answer.data if isinstance(answer.data, dict) else {}


def upload(url: str, content: bytes) -> None:
    """Send a file's content to the address that Slack gave; raises a kind of NotSent."""
    if not url.startswith(("https://", "http://")):
        raise Refused("upload_url")
    request = urllib.request.Request(url, content, {"Content-Type": "application/octet-stream"})  # noqa: S310
    try:
        urllib.request.urlopen(request, timeout=TIMEOUT_S).close()  # noqa: S310
    except urllib.error.URLError as error:
        raise _unreached(error.reason) from error
    except (OSError, HTTPException) as error:
        raise _unreached(error) from error


def _unreached(reason: object) -> NotSent:
    if isinstance(reason, NEVER_REACHED) or type(reason).__name__ in ("gaierror", "SSLCertVerificationError"):
        return Away(f"Slack can't be reached ({type(reason).__name__}).")
    return Lost(f"Slack did not answer ({type(reason).__name__}).")


def _meant(error: SlackApiError) -> NotSent:
    response: Any = error.response
    told = getattr(response, "data", response)
    word = str(told.get("error", "")) if isinstance(told, dict) else ""
    if word in LIMITED or getattr(response, "status_code", 0) == 429:
        return Limited(_seconds(getattr(response, "headers", {})))
    if word in NOT_NOW:
        return Away(f"Slack accepts nothing from us: {word}.", word)
    if word in UNCLEAR or not WORD.fullmatch(word) or getattr(response, "status_code", 0) >= 500:
        return Lost("Slack gave no clear answer.")
    return Refused(word)


def _seconds(headers: Any) -> float:
    told = {str(name).lower(): value for name, value in dict(headers).items()}.get("retry-after", "1")
    try:
        return min(max(float(told), 0.0), 3_600.0)
    except ValueError:
        return 1.0
