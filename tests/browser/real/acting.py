"""What a person does with a bot's pages, one line each."""

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
"""How long a person waits for a container."""


@dataclass
class Person:
    """Somebody with a bot: the address, the bot's name and id."""

    email: str
    name: str
    bot: str


def settled(client: Client, kind: str) -> Person:
    """Somebody with an account and a bot that is alive, who came some time ago."""
    name = f"{kind}-{secrets.token_hex(3)}"
    email = f"{name}@example.org"
    client.create_agent({"type": "person", "email": email, "password": PASSWORD})
    return Person(email, name, poured(client, [name], email, "cellar-1")[0])


def at_home(opened: Opened, service: Service, person: Person) -> Page:
    """The person's page, signed in."""
    page = opened().new_page()
    sign_in(page, service.public_url, person.email, PASSWORD)
    return page


def press(page: Page, name: str, button: str) -> None:
    """On the tab of actions, press a button; the page of its job follows."""
    page.goto(f"/bots/{name}/actions")
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url(re.compile("/my/jobs/"))


def ends(page: Page, state: str = "succeeded") -> None:
    """The page of a job follows by itself until it is over."""
    expect(page.locator("#job > p .state").first).to_have_text(f"#{state}", timeout=PATIENCE_MS)


def stands(page: Page, name: str, state: str) -> None:
    """The dashboard says how a bot is, sooner or later, without being loaded again."""
    page.goto("/bots")
    expect(card(page, name).locator("h2 .state")).to_have_text(f"#{state}", timeout=PATIENCE_MS)


def card(page: Page, name: str) -> Locator:
    """What the dashboard shows of a bot."""
    return page.locator("article", has=page.get_by_role("link", name=f"{name}.butt.nz"))
