"""A browser on the whole of Saltcellar: service, master, two minions and Docker; only Stripe is a fake."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from daemons import Service, running
from fake_stripe import FakeStripe
from peers import IMAGE
from ports import free_ports
from stack import cellar, cellar_1, cellar_2, client, engine, master, minions

__all__ = ["cellar", "cellar_1", "cellar_2", "client", "engine", "master", "minions"]


@pytest.fixture(scope="session")
def stripe() -> Iterator[FakeStripe]:
    """A fake Stripe that tells the service what happens."""
    fake = FakeStripe()
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def service(cellar: Path, stripe: FakeStripe) -> Iterator[Service]:
    """The service with its two nodes; mail goes into the public mailbox, payments to the fake Stripe."""
    made = Service(cellar / "service")
    made.environment |= {"CELLAR_MAIL": f"file://{cellar}/mailbox", "CELLAR_PUB_IMAGE": IMAGE, **stripe.settings()}
    stripe.webhook = f"{made.public_url}/payments/stripe"
    with running(made):
        for node in ("cellar-1", "cellar-2"):
            made.manage("node-add", node, "--ports", "{}-{}".format(*free_ports(100)))
        yield made


@pytest.fixture(scope="session")
def container(engine: docker.DockerClient) -> Callable[[str], Any]:
    """The current container of a bot, or None."""

    def container(bot: str) -> Any:
        found = engine.containers.list(all=True, filters={"label": f"saltcellar.bot={bot}"}, ignore_removed=True)
        assert len(found) <= 1, f"{bot} has {len(found)} containers"
        return found[0] if found else None

    return container
