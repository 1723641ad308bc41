"""Chat with a fake Slack at the wire and a real database; its parts run in the test's process unless a test says otherwise."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))  # for fakes/
sys.path.insert(0, str(Path(__file__).parent.parent / "usecases"))  # for pouring.py

from fakes.slack import Slack
from fakes.slack.people import User
from serving import Served
from talking import ANN

from pillar_service.chatops import routing, wire
from pillar_service.chatops.buckets import Buckets, Rate
from pillar_service.chatops.door import Door
from pillar_service.chatops.drain import Drain
from pillar_service.chatops.facts import Pressed, Said, Submitted
from pillar_service.chatops.inbox import Inbox
from pillar_service.chatops.notifier import Notifier
from pillar_service.settings import settings
from pillar_service.usecases.service import storage


@pytest.fixture
def slack() -> Iterator[Slack]:
    """A fake Slack that lets one post ten times as often."""
    fake = Slack(rate_s=0.1, burst=3)
    yield fake
    fake.close()


@pytest.fixture
def chat(service: Callable[[], None], slack: Slack, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The service, configured for that Slack."""
    told = {"BOT_TOKEN": slack.bot_token, "SIGNING_SECRET": slack.secret, "URL": slack.url}
    for name, value in told.items():
        monkeypatch.setenv(f"CELLAR_SLACK_{name}", value)
    service()
    return service


class Heard:
    """A listener that keeps what it hears, and raises the exceptions in ``failing`` first."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self.failing: list[Exception] = []

    def _hear(self, fact: Any) -> None:
        if self.failing:
            raise self.failing.pop()
        self.all.append(fact)

    def said(self, said: Said) -> None:
        self._hear(said)

    def pressed(self, pressed: Pressed) -> None:
        self._hear(pressed)

    def submitted(self, submitted: Submitted) -> None:
        self._hear(submitted)

    def wait(self, count: int, patience_s: float = 8.0) -> list[Any]:
        """All that was heard, once there are at least so many."""
        until = time.monotonic() + patience_s
        while len(self.all) < count:
            assert time.monotonic() < until, f"{len(self.all)} of {count} heard: {self.all}"
            time.sleep(0.01)
        return self.all


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def apologies() -> list[Any]:
    return []


@pytest.fixture
def inbox(chat: Callable[[], None]) -> Iterator[Inbox]:
    made = Inbox(settings().inbox)
    yield made
    made.close()


@pytest.fixture
def drain(inbox: Inbox, heard: Heard, apologies: list[Any]) -> Iterator[Drain]:
    """Dispatches what is in the inbox to `heard`."""
    app = routing.app(heard)
    made = Drain(inbox, lambda payload: routing.dispatch(app, payload), apologies.append)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def door(inbox: Inbox, slack: Slack) -> Iterator[str]:
    """The door over HTTP, to which Slack delivers; its address."""
    with Served(Door(slack.secret, inbox)) as served:
        slack.delivers_to(served.url)
        yield served.url


@pytest.fixture
def notifier(chat: Callable[[], None], slack: Slack) -> Iterator[Notifier]:
    """The notifier, posting ten times as fast as Slack would allow."""
    made = Notifier(wire.client(slack.bot_token, slack.url), Buckets(posts=Rate(2, 9.5), edits=Rate(20, 8)))
    made.start()
    yield made
    made.stop()
    storage.release()


@pytest.fixture
def talk(
    slack: Slack, chat: Callable[[], None], notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Slack]:
    """All of chat, with the tests' own catalogue and three nodes; gives the Slack that it talks to."""
    import stage

    from pillar_service.chatops import following
    from pillar_service.chatops.parts import Hearing
    from pillar_service.usecases.meeseeks import catalogue

    slack.workspace.team = "T01"
    monkeypatch.setenv("CELLAR_CATALOGUE", str(Path(__file__).with_name("catalogue")))
    monkeypatch.setattr(following, "EVERY_S", 0.05)
    chat()
    catalogue.reload("test")
    stage.furnish()
    hearing, follower = Hearing(), following.Follower(lambda: True)
    follower.start()
    with Served(hearing.door()) as served:
        slack.delivers_to(served.url)
        yield slack
    hearing.stop()
    follower.stop()


@pytest.fixture
def ann(talk: Slack) -> User:
    """An operator who talks to all of chat."""
    return talk.user(ANN)


@pytest.fixture
def threads(slack: Slack) -> None:
    """Messages that can be replied to."""
    for channel in ("C1", "C2"):
        slack.workspace.begin(channel, "2.0", "2.1", "2.2", *(f"1.{n}" for n in range(300)))
