"""How often a node that starts is told to sync."""

import time
from typing import Any

import pytest
import salt.client
import salt.config

from pillar_service.master.dispatch.arrivals import AGAIN_AFTER_S, Arrivals
from pillar_service.master.dispatch.salt_master import SaltMaster


class Client:
    """Salt's LocalClient, with a master that publishes everything."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []

    def pub(self, target: list[str], function: str, arguments: list[str], **more: Any) -> dict[str, Any]:
        assert (function, arguments, more["tgt_type"]) == ("saltutil.sync_all", [], "list")
        self.told.append(target)
        return {"jid": more["jid"], "minions": target}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(salt.client, "LocalClient", lambda **_: made)
    return made


@pytest.fixture
def arrivals(opts: dict[str, Any], client: Client) -> Arrivals:
    return Arrivals(SaltMaster(opts))


def test_a_start_soon_after_another_is_answered_once_more(
    arrivals: Arrivals, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node came back with an empty disk, or its restart cut off what it was told."""
    began = time.monotonic()
    for _ in range(3):
        arrivals.greet("cellar-1")
    arrivals.catch_up()
    assert client.told == [["cellar-1"]]
    for _ in range(2):
        monkeypatch.setattr(time, "monotonic", lambda: began + 2 * AGAIN_AFTER_S)
        arrivals.catch_up()
        assert client.told == [["cellar-1"]] * 2
    arrivals.greet("cellar-2")
    assert client.told[2:] == [["cellar-2"]]
