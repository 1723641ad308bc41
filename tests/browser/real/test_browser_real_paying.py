"""Someone who does not pay has their pub stopped, and who pays gets it back."""

import time

import docker
import pytest
from acting import Person, at_home, settled, stands
from browsing import Opened
from campaigns import of_bot
from daemons import Service, until
from fake_stripe import FakeStripe
from playwright.sync_api import Page, expect
from salt_daemons import Minion
from scene import inside

from pillar_service.master.client import Client
from pillar_service.store.database import transaction
from pillar_service.store.payments import payments as rows

pytestmark = pytest.mark.slow

DAY_S = 86_400.0


@pytest.fixture(scope="module")
def person(client: Client, cellar_1: Minion) -> Person:
    """Someone with a living pub."""
    return settled(client, "pay")


def test_suspended_then_paid(
    opened: Opened,
    service: Service,
    person: Person,
    client: Client,
    stripe: FakeStripe,
    engine: docker.DockerClient,
) -> None:
    page = at_home(opened, service, person)
    owes(service, client, person)
    until(lambda: statuses(engine, person) == ["exited"], 60, "the pub is stopped")
    stands(page, person.name, "stopped")
    page.get_by_role("link", name="Pay, and they run again").click()
    expect(page.get_by_text("#suspended")).to_be_visible()
    pays(page)
    expect(page.get_by_text("Your payments are set up.")).to_be_visible()
    expect(page.get_by_text("#paid")).to_be_visible()
    expect(page.get_by_role("row").nth(1)).to_contain_text("$5")
    assert stripe.events, "Stripe has told the service by itself, too"
    until(lambda: statuses(engine, person) == ["running"], 60, "the pub runs again")
    stands(page, person.name, "alive")
    expect(page.get_by_role("link", name="Pay, and they run again")).to_have_count(0)
    cancels(page)


def statuses(engine: docker.DockerClient, person: Person) -> list[str]:
    """The states of the pub's containers: two while one replaces the other."""
    return [one.status for one in of_bot(engine, person.bot)]


def owes(service: Service, client: Client, person: Person) -> None:
    """Let the trial and the grace after the warning be over, then run the payments."""
    account = client.agents(type="person", email=person.email)[0]["id"]
    due_at = time.time() - 20 * DAY_S
    with inside(service), transaction():
        rows.change(account, trial_ends=due_at, warned_at=due_at + DAY_S, warned_for=due_at)
    assert {"account": account, "step": "suspend"} in client.run_payments()["steps"]


def pays(page: Page) -> None:
    """Turn back once, then pay."""
    page.get_by_role("button", name="Pay $5 a month").click()
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_text("You turned back, so nothing was paid.")).to_be_visible()
    page.get_by_role("button", name="Pay $5 a month").click()
    page.get_by_role("button", name="Pay", exact=True).click()


def cancels(page: Page) -> None:
    """Cancel in Stripe's portal; the page says how long the bots go on."""
    page.goto("/payment")
    page.get_by_role("button", name="Change the card, or cancel").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You cancelled. Your bots run until then")).to_be_visible()
