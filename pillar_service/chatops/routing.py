"""The bolt app: finds the listener for a delivery from the inbox, after the ack.

Signatures are checked at the door, before anything is kept, so not again here. Bolt asks Slack for nothing: the token
is in the settings, and the bot's user id in the event. A listener runs in the thread that dispatches, and whatever it
raises is passed on.
"""

import logging
import re
from typing import Any, Protocol

from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse

from pillar_service.chatops import facts
from pillar_service.chatops.deliveries import Payload
from pillar_service.chatops.facts import Pressed, Said, Submitted

log = logging.getLogger(__name__)
ANY = re.compile("")


class Listener(Protocol):
    """Handles what people do; all its answers go through the outbox."""

    def said(self, said: Said) -> None:
        """Somebody wrote to the bot."""

    def pressed(self, pressed: Pressed) -> None:
        """Somebody pressed a button, or chose in a menu."""

    def submitted(self, submitted: Submitted) -> None:
        """Somebody submitted a window."""


def app(listener: Listener) -> App:
    """A bolt app that calls the listener."""
    made = App(
        name="meeseeks",
        logger=log,
        authorize=_authorized,
        request_verification_enabled=False,
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    made.error(_raised)
    for kind in ("app_mention", "message"):
        made.event(kind)(lambda body: _tell(listener.said, facts.said(body)))
    made.command(ANY)(lambda ack, body: _acked(ack, listener.said, facts.commanded(body)))
    made.action(ANY)(lambda ack, body: _acked(ack, listener.pressed, facts.pressed(body)))
    made.view(ANY)(lambda ack, body: _acked(ack, listener.submitted, facts.submitted(body)))
    return made


def dispatch(app: App, payload: Payload) -> None:
    """Dispatch a payload to its listener; raises what that raises. A payload without a listener is dropped."""
    app.dispatch(BoltRequest(mode="socket_mode", body=payload))


def _authorized(enterprise_id: str | None, team_id: str | None, user_id: str | None) -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token="-")  # noqa: S106


def _raised(error: Exception) -> BoltResponse:
    if isinstance(error, BoltUnhandledRequestError):
        return BoltResponse(status=200)
    raise error


def _tell(listen: Any, fact: Any) -> None:
    if fact is not None:
        listen(fact)


def _acked(ack: Any, listen: Any, fact: Any) -> None:
    ack()
    _tell(listen, fact)
