"""A browser on the whole of Saltcellar: service, master, two minions, Docker, and a Stripe that is only pretended."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from campaigns import free_ports
from daemons import Service, running
from fake_stripe import FakeStripe
from peers import IMAGE
from stack import cellar, cellar_1, cellar_2, client, engine, master, minions

__all__ = ["cellar", "cellar_1", "cellar_2", "client", "engine", "master", "minions"]


@pytest.fixture(scope="session")
def stripe() -> Iterator[FakeStripe]:
    """Stripe, as far as one sees it; it tells the service what happens."""
    fake = FakeStripe()
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def service(cellar: Path, stripe: FakeStripe) -> Iterator[Service]:
    """The service with its two nodes; its mail goes to a mailbox that everybody reads, and Stripe takes the money."""
    made = Service(cellar / "service")
    made.environment |= {"CELLAR_MAIL": f"file://{cellar}/mailbox", "CELLAR_PUB_IMAGE": IMAGE, **stripe.settings()}
    stripe.webhook = f"{made.public_url}/payments/stripe"
    with running(made):
        for node in ("cellar-1", "cellar-2"):
            made.manage("node-add", node, "--ports", "{}-{}".format(*free_ports(100)))
        yield made


@pytest.fixture(scope="session")
def container(engine: docker.DockerClient) -> Callable[[str], Any]:
    """The one container of a bot as it is now, or None when it has none."""

    def container(bot: str) -> Any:
        found = engine.containers.list(all=True, filters={"label": f"saltcellar.bot={bot}"}, ignore_removed=True)
        assert len(found) <= 1, f"{bot} has {len(found)} containers"
        return found[0] if found else None

    return container
