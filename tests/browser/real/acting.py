"""What a person does on a bot's pages."""

import re
import secrets
from dataclasses import dataclass

from browsing import Opened, sign_in
from campaigns import poured
from daemons import Service
from playwright.sync_api import Locator, Page, expect

from pillar_service.master.client import Client

PASSWORD = "quince teapot walrus 7"
PATIENCE_MS = 60_000
"""How long a person waits for a container, in milliseconds."""


@dataclass
class Person:
    """Someone with a bot: the e-mail address, and the bot's name and id."""

    email: str
    name: str
    bot: str


def settled(client: Client, kind: str) -> Person:
    """Make an account with a living bot."""
    name = f"{kind}-{secrets.token_hex(3)}"
    email = f"{name}@example.org"
    client.create_agent({"type": "person", "email": email, "password": PASSWORD})
    return Person(email, name, poured(client, [name], email, "cellar-1")[0])


def at_home(opened: Opened, service: Service, person: Person) -> Page:
    """A page on which this person is signed in."""
    page = opened().new_page()
    sign_in(page, service.public_url, person.email, PASSWORD)
    return page


def press(page: Page, name: str, button: str) -> None:
    """Press a button on the tab of actions, and wait for the page of its job."""
    page.goto(f"/bots/{name}/actions")
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url(re.compile("/my/jobs/"))


def ends(page: Page, state: str = "succeeded") -> None:
    """Wait until the job's page, without being reloaded, shows that the job is over in this state."""
    expect(page.locator("#job > p .state").first).to_have_text(f"#{state}", timeout=PATIENCE_MS)


def stands(page: Page, name: str, state: str) -> None:
    """Wait until the dashboard, without being reloaded, shows the bot in this state."""
    page.goto("/bots")
    expect(card(page, name).locator("h2 .state")).to_have_text(f"#{state}", timeout=PATIENCE_MS)


def card(page: Page, name: str) -> Locator:
    """The bot's card on the dashboard."""
    return page.locator("article", has=page.get_by_role("link", name=f"{name}.butt.nz"))
