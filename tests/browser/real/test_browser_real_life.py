"""What the buttons on a bot's page do to its container."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import docker
import pytest
from acting import Person, at_home, ends, press, settled, stands
from browsing import Opened
from daemons import Service
from peers import IMAGE
from playwright.sync_api import Page, expect
from salt_daemons import Master, Minion

from pillar_service.master.client import Client

pytestmark = pytest.mark.slow

NEWER = "saltcellar/pub:test-newer"


@pytest.fixture(scope="module")
def person(client: Client, cellar_1: Minion) -> Person:
    """Someone with a living pub."""
    return settled(client, "life")


@dataclass
class Life:
    """A container's life: its id, start time, status and image."""

    id: str
    started_at: str
    status: str
    image: str


@pytest.fixture
def life(container: Callable[[str], Any], person: Person) -> Callable[[], Life]:
    """The current life of the person's container."""

    def life() -> Life:
        attrs = container(person.bot).attrs
        return Life(attrs["Id"], attrs["State"]["StartedAt"], attrs["State"]["Status"], attrs["Config"]["Image"])

    return life


def test_restart_stop_and_start(opened: Opened, service: Service, person: Person, life: Callable[[], Life]) -> None:
    page, before = at_home(opened, service, person), life()
    press(page, person.name, "Restart")
    ends(page)
    expect(page.get_by_text(re.compile(r"It is @\S+=\.ed25519, version"))).to_be_visible()
    after = life()
    assert (after.id, after.status) == (before.id, "running")
    assert after.started_at != before.started_at
    press(page, person.name, "Stop")
    ends(page)
    assert life().status == "exited"
    stands(page, person.name, "stopped")
    press(page, person.name, "Start")
    ends(page)
    assert life().status == "running"
    stands(page, person.name, "alive")
    tells_what_happened(page, person.name)


def tells_what_happened(page: Page, name: str) -> None:
    """The log has a line for each action, with its outcome."""
    page.goto(f"/bots/{name}/log")
    for act in ("restart", "stop", "start"):
        row = page.locator("tr", has=page.get_by_role("rowheader").get_by_text(act)).first
        expect(row).to_contain_text("#succeeded")


@pytest.fixture(scope="session")
def _tagged(engine: docker.DockerClient) -> Iterator[None]:
    """Another name for the pub's image, which stays as long as a bot may need it."""
    engine.images.get(IMAGE).tag(NEWER)
    yield
    engine.images.remove(NEWER, force=True)  # This removes the name only.


@pytest.fixture
def newer(_tagged: None, service: Service) -> Iterator[str]:
    """A newer pub image, which the service gives to bots that are upgraded."""
    service.stop()
    service.environment["CELLAR_PUB_IMAGE"] = NEWER
    service.start()
    yield NEWER
    service.stop()
    service.environment["CELLAR_PUB_IMAGE"] = IMAGE
    service.start()


def test_upgrade(
    opened: Opened, service: Service, person: Person, life: Callable[[], Life], request: pytest.FixtureRequest
) -> None:
    page, before = at_home(opened, service, person), life()
    page.goto(f"/bots/{person.name}/actions")
    expect(page.get_by_text("none: it has the newest")).to_be_visible()
    newer = request.getfixturevalue("newer")
    page.reload()
    expect(page.locator("article", has=page.get_by_role("heading", name="Upgrade"))).to_contain_text(newer)
    press(page, person.name, "Upgrade")
    ends(page)
    after = life()
    assert (after.image, after.status) == (newer, "running")
    assert after.id != before.id
    page.goto(f"/bots/{person.name}/actions")
    expect(page.get_by_text("none: it has the newest")).to_be_visible()
    press(page, person.name, "Upgrade anyway")
    ends(page)


def test_while_the_master_is_down_an_act_waits(
    opened: Opened, service: Service, person: Person, life: Callable[[], Life], master: Master
) -> None:
    page, before = at_home(opened, service, person), life()
    master.kill()
    try:
        press(page, person.name, "Restart")
        expect(page.get_by_text("#queued")).to_be_visible()
        # First the dead master's lease must run out.
        expect(page.get_by_text("The master that runs jobs is away: this waits")).to_be_visible(timeout=40_000)
        assert life().started_at == before.started_at
    finally:
        master.start()
    ends(page)
    after = life()
    assert (after.id, after.status) == (before.id, "running")
    assert after.started_at != before.started_at
