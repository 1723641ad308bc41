"""Nothing of one account can be reached through another's pillar, door, API or pages: all pairs of several accounts."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from accounts_with_nodes import account, own, pillar
from eventful import told as event
from flask import Flask
from flask.testing import FlaskClient
from visiting import signed_in

from pillar_service.core.nodes.facts import EVENT_TYPE
from pillar_service.core.people import tokens as node_tokens
from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.bots import bots
from pillar_service.usecases.events import events, forwardings
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.nodes import configuration, governors, pillars
from pillar_service.usecases.people import tokens
from pillar_service.web.api import streams

COUNTS = [6, pytest.param(50, marks=pytest.mark.campaign)]
"""How many accounts there are; issue 4 asks for fifty, and for all pairs of them."""


@dataclass
class Tenant:
    """An account with a node; everything that belongs to it alone contains its ``canary``."""

    name: str
    id: str
    api: FlaskClient
    door: FlaskClient
    browser: FlaskClient
    bot: str
    job: str
    forwarding: str

    @property
    def canary(self) -> str:
        return f"canary-{self.name}"

    @property
    def node(self) -> str:
        return f"node-{self.name}.{self.id}"

    def answers(self) -> Iterator[tuple[str, str]]:
        """Everything that it can read, in any way: where, and what."""
        yield "pillar", json.dumps(pillar(self.node))
        yield "stream", stream(self.api, "/api/events?after=0")
        for client, paths in ((self.door, DOOR), (self.api, API), (self.browser, PAGES)):
            for path in paths:
                answered = client.get(path.format(its=self))
                assert answered.status_code == 200, f"{path}: {answered.text}"
                yield path, answered.text


DOOR = ("/node/configuration", "/bundle")
API = (
    *("/configuration", "/configuration-changes", "/configuration/{its.name}/own", "/agents", "/jobs", "/forwardings"),
    *("/api/events", "/api/events?node={its.node}"),
)
PAGES = (
    *(
        "/account",
        "/account/configuration",
        "/account/forwardings",
        "/account/data",
        "/bots",
        "/nodes",
        "/nodes/events",
    ),
    *("/nodes/registry", "/nodes/{its.node}/facts", "/nodes/{its.node}/story", "/nodes/{its.node}/bots"),
    "/nodes/{its.node}/lost",
)
TELL = ("pillar", "stream", *DOOR[:1], *API[:3], *API[5:], *PAGES[1:4], *PAGES[6:7], *PAGES[8:10])
"""Those that contain the canary, to show that they do answer: one that tells nothing could leak nothing."""


def stream(api: FlaskClient, path: str) -> str:
    """The beginning of a stream of events."""
    with api.get(path, headers={"Accept": "text/event-stream"}, buffered=False) as answered:
        assert (answered.status_code, answered.mimetype) == (200, "text/event-stream")
        return "".join(map(str, itertools.islice(answered.iter_encoded(), 3)))


def _client(app: Flask, secret: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def _tenant(app: Flask, name: str) -> Tenant:
    id = account(name)
    secret = tokens.create(id, "test", list(Scope))["secret"]
    node = f"node-{name}.{id}"
    own(node, id)
    door, api = _client(app, node_tokens.node_token(str(app.secret_key), node)), _client(app, secret)
    made = api.post("/agents", json={"name": f"bot-{name}", "node": node}).json
    assert "agent" in made, made
    hook = {"way": "webhook", "address": f"https://hook.example.org/canary-{name}", "filter": {}}
    forwarding = api.post("/forwardings", json=hook).json["id"]
    browser = signed_in(app, f"{name}@example.org")
    return Tenant(name, id, api, door, browser, made["agent"]["id"], made["job"]["id"], forwarding)


@pytest.fixture(params=COUNTS)
def tenants(
    public_app: Flask, service: Callable[[], None], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> list[Tenant]:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    # Two digits, so that no name is the beginning of another.
    made = [_tenant(public_app, f"tenant{n:02}") for n in range(request.param)]
    for one in made:
        configuration.set("test", one.id, f"{one.name}/own", one.canary)
        told = {"own": one.canary}
        events.take(
            one.node, [event(1, EVENT_TYPE, one.node, data={"facts": told}), event(2, node=one.node, data=told)]
        )
        configuration.set("test", one.id, "shared-name", one.canary)
        configuration.set("test", one.id, f"governors/governor-{one.name}", 2)
        configuration.set("test", one.id, "governors/shared-name", 1)
        told = one.door.post("/governors/shared-name/take", json={"holder": one.canary, "seconds": 600})
        assert told.json["granted"] is True, "each account has its own, though they are called alike"
    return made


def test_each_is_told_its_own_and_nothing_of_anybody_else(tenants: list[Tenant]) -> None:
    answers = {}
    for one in tenants:
        by_way = dict(one.answers())
        assert [way for way in TELL if one.canary not in by_way[way]] == []
        answers[one.name] = "\n".join(by_way.values())
    leaks = [
        (reader.name, owner.name)
        for reader, owner in itertools.permutations(tenants, 2)
        if any(
            sign in answers[reader.name]
            for sign in (
                owner.canary,
                owner.id,
                f"governor-{owner.name}",
                owner.node,
                owner.bot,
                owner.job,
                owner.forwarding,
            )
        )
    ]
    assert leaks == []


def test_nobody_reaches_into_anothers(tenants: list[Tenant]) -> None:
    before = {one.name: _state(one) for one in tenants}
    for reader, owner in itertools.permutations(tenants, 2):
        for answered in _attempts(reader, owner):
            assert owner.canary not in answered.text
            assert answered.status_code in (401, 403, 404, 412), answered.text
        assert reader.api.get(f"/api/events?node={owner.node}").json == {"events": [], "next": None}
    for reader, owner in itertools.pairwise(tenants):
        assert owner.canary not in stream(reader.api, f"/api/events?after=0&node={owner.node}")
    assert {one.name: _state(one) for one in tenants} == before


def _attempts(reader: Tenant, owner: Tenant) -> Iterator[Any]:
    theirs, match = f"{owner.name}/own", {"If-Match": '"1"'}
    yield reader.api.get(f"/configuration/{theirs}")
    yield reader.api.put(f"/configuration/{theirs}", json={"value": "mine"}, headers=match)
    yield reader.api.delete(f"/configuration/{theirs}", headers=match)
    yield reader.door.put(f"/node/configuration/{theirs}", json={"value": "mine"}, headers=match)
    yield reader.door.delete(f"/node/configuration/{theirs}")
    yield reader.door.post(f"/governors/governor-{owner.name}/take", json={"holder": "me", "seconds": 60})
    for path in ("", "/status", "/invites", f"/export?job={owner.job}"):
        yield reader.api.get(f"/agents/{owner.bot}{path}")
    yield reader.api.delete(f"/agents/{owner.bot}", json={"password": "x"})
    yield reader.api.post(f"/agents/{owner.bot}/actions/restart", json={})
    yield reader.api.get(f"/jobs/{owner.job}")
    yield reader.door.get(f"/transfers/{owner.job}")
    yield reader.door.put(f"/transfers/{owner.job}", data=b"tar", headers={"Content-Type": "application/x-tar"})
    yield reader.door.post(f"/jobs/{owner.job}/begin", json={"attempt": 1})
    yield reader.browser.get(f"/bots/bot-{owner.name}/status")
    yield reader.browser.get(f"/my/jobs/{owner.job}")
    yield reader.browser.get(f"/account/configuration/{theirs}")
    for page in ("facts", "story", "bots", "lost"):
        yield reader.browser.get(f"/nodes/{owner.node}/{page}")
    yield reader.api.patch(f"/forwardings/{owner.forwarding}", json={"state": "off"})
    yield reader.api.post(f"/forwardings/{owner.forwarding}/test")
    yield reader.api.delete(f"/forwardings/{owner.forwarding}")
    # Claims in the request about whose it is change nothing.
    forged = {"X-Account": owner.id, "X-Actor": owner.id, "Authorization": f"Bearer {owner.node}:forged"}
    yield reader.door.put(f"/node/configuration/{theirs}", json={"value": 1}, headers=forged)


def _state(one: Tenant) -> Any:
    held = [[(lease["holder"], lease["fence"]) for lease in each["leases"]] for each in governors.listed(one.id)]
    sent = forwardings.listed(one.id)
    return configuration.listed(one.id), held, pillars.ready(one.node), bots.show(one.bot), jobs.show(one.job), sent


def test_a_holder_of_one_account_is_nobody_in_anothers_governor_of_the_same_name(tenants: list[Tenant]) -> None:
    for reader, owner in itertools.permutations(tenants[:3], 2):
        answered = reader.door.post("/governors/shared-name/release", json={"holder": owner.canary, "fence": 1})
        assert answered.status_code == 204
        [kept] = [each for each in governors.listed(owner.id) if each["name"] == "shared-name"]
        assert [lease["holder"] for lease in kept["leases"]] == [f"{owner.node}/{owner.canary}"]
