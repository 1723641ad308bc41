"""The fake as tests use it."""

from typing import Any

from fakes.slack.delivering import SIGNING_SECRET, Ack, Delivering
from fakes.slack.people import User
from fakes.slack.server import BOT_TOKEN, TOKENS, Faults, Server
from fakes.slack.workspace import BOT, Json, Workspace


class Slack:
    """A workspace on the wire.

    slack = Slack(); slack.delivers_to("http://127.0.0.1:8080/slack")   # or not, for Socket Mode
    slack.user("T1/U1").mentions("restart-bot my"); slack.user("T1/U1").presses("Yes")
    """

    secret, bot_token, app_token, bot = SIGNING_SECRET, BOT_TOKEN, TOKENS["apps.connections.open"], BOT

    def __init__(self, port: int = 0, **settings: Any) -> None:
        self.workspace = Workspace(**settings)
        self.server = Server(self.workspace, port)
        self.delivering = Delivering(self.server)
        self.users: dict[str, User] = {}

    @property
    def url(self) -> str:
        """The address of its Web API, for CELLAR_SLACK_URL."""
        return f"{self.server.url}/api/"

    @property
    def faults(self) -> Faults:
        return self.server.faults

    @property
    def refused(self) -> list[str]:
        """What it refused and why; empty if all goes well."""
        return self.server.refused

    def calls(self, method: str) -> list[Json]:
        """The arguments of each call of a method."""
        return [given for name, given in self.server.calls if name == method]

    def delivers_to(self, url: str | None) -> None:
        self.delivering.url = url

    def user(self, who: str) -> User:
        """The user TEAM/USER."""
        team, _, id = who.partition("/")
        return self.users.setdefault(who, User(self, team, id))

    def said(self, channel: str, message: Json) -> str:
        """Post a person's message in a channel; returns its ts."""
        return str(self.workspace.add(channel, message)["ts"])

    def envelope(self, event: Json) -> Json:
        """An event in the Events API's envelope."""
        here = self.workspace.team
        return {
            "type": "event_callback", "token": "x", "team_id": here, "api_app_id": "A1", "event": event,
            "event_id": self.workspace.id("Ev"), "event_time": int(float(event.get("event_ts", 0))),
            "authorizations": [{"team_id": here, "user_id": BOT, "is_bot": True}], "is_ext_shared_channel": False,
        }  # fmt: skip

    def event(self, event: Json) -> Ack:
        """Deliver an event, again if it is not acked; returns the last ack."""
        return self.deliver("event", self.envelope(event))

    def deliver(self, kind: str, payload: Json) -> Ack:
        """Deliver an event's envelope, an interaction or a command."""
        ack = self.delivering.deliver(kind, payload, is_waited_for=True)
        assert ack is not None
        return ack

    def response_url(self, channel: str, user: str, message: str | None = None) -> str:
        return self.server.url + self.workspace.response_url(channel, user, message)

    def messages(self, channel: str = "C1") -> list[Json]:
        """The bot's messages in a channel."""
        return [message for message in self.workspace.messages.get(channel, []) if message.get("user") == BOT]

    def close(self) -> None:
        self.delivering.join()
        self.server.close()
