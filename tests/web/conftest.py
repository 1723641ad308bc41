"""Clients of the two apps."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from answering import answering
from apps import made_once
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

sys.path.insert(0, str(Path(__file__).parent.parent / "usecases"))  # for pouring.py: a bot and a node that answers

from pouring import OWNER, owner
from programs import bearer
from visiting import OPERATOR, PASSWORD, SecondFactors, come_as

from pillar_service.core.people import tokens
from pillar_service.usecases.people import accounts

if TYPE_CHECKING:
    from hooks import Hooks
    from processes import Process

Service = Callable[[], None]


@pytest.fixture
def private_app(service: Service) -> Flask:
    from pillar_service.web.private import create_app

    return made_once(create_app)


@pytest.fixture
def master(private_app: Flask) -> FlaskClient:
    """A master with its token."""
    from pillar_service.usecases.service import masters

    client = private_app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {masters.new_token('test', 'salt')}"
    return client


@pytest.fixture
def public_app(service: Service) -> Flask:
    from pillar_service.web.public import create_app

    return made_once(create_app)


@pytest.fixture
def address(public_app: Flask) -> Iterator[str]:
    """The address of the public app, served over real connections."""
    from pillar_service.usecases.service import storage

    with answering(make_server("127.0.0.1", 0, public_app, threaded=True)) as url:
        yield url
    storage.release()


@pytest.fixture
def visitor(public_app: Flask) -> FlaskClient:
    """A browser of someone who is not signed in."""
    return public_app.test_client()


@pytest.fixture
def node(public_app: Flask) -> FlaskClient:
    """The node cellar-1 at the nodes' door."""
    client = public_app.test_client()
    token = tokens.node_token(str(public_app.secret_key), "cellar-1")
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


@pytest.fixture
def hooked(service: Service, monkeypatch: pytest.MonkeyPatch) -> "Iterator[Hooks]":
    """Makes receivers on this machine, where the place may forward to; at the end none may have found a fault."""
    monkeypatch.setenv("CELLAR_WEBHOOK_NETWORKS", "127.0.0.1/32")
    service()
    from hooks import Hooks

    made = Hooks()
    yield made
    for hook in made.made:
        hook.stop()
        assert hook.faults == []


@pytest.fixture
def here(service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives a function that allows forwarding to these networks."""

    def allow(networks: str) -> None:
        monkeypatch.setenv("CELLAR_WEBHOOK_NETWORKS", networks)
        service()

    return allow


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Gives a function that fakes a name's successive DNS answers; it returns the list of names that were looked up."""
    real, asked = socket.getaddrinfo, []

    def resolve(*answers: list[str], host: str = "hooks.example.org") -> list[str]:
        plan = list(answers)

        def told(name: Any, port: Any, *rest: Any, **more: Any) -> Any:
            if name != host:
                return real(name, port, *rest, **more)
            asked.append(name)
            found = plan.pop(0) if len(plan) > 1 else plan[0]
            return [entry for ip in found for entry in real(ip, port, *rest, **more)]

        monkeypatch.setattr(socket, "getaddrinfo", told)
        return asked

    return resolve


@pytest.fixture
def process(fresh_url: str, environment: dict[str, str], tmp_path: Path) -> "Iterator[Process]":
    """The service's command line on a new database; whatever it starts is killed at the end of the test."""
    from processes import Process

    made = Process(environment, fresh_url)
    made.log = tmp_path / "log"
    yield made
    made.kill(signal.SIGKILL)
    for pid in made.successors:
        os.killpg(pid, signal.SIGKILL)


@pytest.fixture
def person(public_app: Flask) -> str:
    """The id of a person's account."""
    return owner()


@pytest.fixture
def someone(person: str) -> str:
    """The same person, where the visitor is somebody else."""
    return person


@pytest.fixture
def at_home(visitor: FlaskClient, person: str) -> str:
    """The person, signed in in the visitor's browser."""
    come_as(visitor)
    return person


@pytest.fixture
def api(visitor: FlaskClient, person: str) -> FlaskClient:
    """The person's program, signed in to the API."""
    given = visitor.post("/authentication/sign-in", json={"email": OWNER, "password": PASSWORD})
    assert given.status_code == 201
    return bearer(visitor, given.json["token"]["secret"])


@pytest.fixture
def second_factor() -> SecondFactors:
    """Turns second factors on after signing in, since no test here has a telephone."""
    return SecondFactors()


@pytest.fixture
def operator(visitor: FlaskClient, second_factor: SecondFactors) -> str:
    """A signed-in operator whose second factor is on; the account's id."""
    id = str(accounts.create("test", OPERATOR, password=PASSWORD, role="operator")[0]["id"])
    come_as(visitor, OPERATOR)
    second_factor.add(id)
    return id
