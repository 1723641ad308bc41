"""Someone comes to the landing page, and leaves with a living pub that a peer has joined."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from acting import PASSWORD, PATIENCE_MS, card
from browsing import Opened
from campaigns import only
from daemons import until
from peers import Peer, invited
from playwright.sync_api import Page, expect

from pillar_service.master.client import Client

BOT = f"seen-{secrets.token_hex(3)}"
HOST = f"{BOT}.butt.nz"
EMAIL = f"{BOT}@example.org"
NOTE = "Ann <b>"


@pytest.fixture
def peer(engine: docker.DockerClient, cellar: Path) -> Iterator[Peer]:
    """Another person's Scuttlebutt."""
    with invited(engine, cellar / "seen", [HOST]) as peer:
        yield peer("ann")


@pytest.mark.usefixtures("minions")
def test_from_the_landing_page_to_an_invite_that_is_used(
    opened: Opened, client: Client, engine: docker.DockerClient, peer: Peer
) -> None:
    page = opened().new_page()
    begins(page)
    opens_the_mail(page)
    waits_for_the_pub(page)
    bot = client.agent(BOT)["id"]
    assert only(engine, bot).attrs["State"]["Status"] == "running"
    code = makes_an_invite(page)
    peer.does("accept", code)
    is_told_who_used_it(page, peer.id)


def begins(page: Page) -> None:
    """From the landing page through start and newbie."""
    page.goto("/")
    page.get_by_role("link", name="start").first.click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text(f"You are starting as {EMAIL}")).to_be_visible()
    expect(page.get_by_text("$5 a month")).to_be_visible()
    page.get_by_label("Your name").fill("Sam <i>")
    page.get_by_label("The name of your first bot").fill(BOT)
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("heading", name="Check your mailbox")).to_be_visible()


def opens_the_mail(page: Page) -> None:
    """Follow the link in the mail, which asks once more and leads to the page about payment."""
    page.get_by_role("link", name="The mailbox of this trial").click()
    link = page.locator("article", has_text=f"To {EMAIL}").get_by_role("link")
    until(lambda: link.count() or (page.reload() and link.count()), 15, "the mail comes")
    link.first.click()
    expect(page.get_by_label("The name of your first bot")).to_have_value(BOT)
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("heading", name="Payment", exact=True)).to_be_visible()
    expect(page.get_by_text("#trial")).to_be_visible()


def waits_for_the_pub(page: Page) -> None:
    """Wait until the dashboard, without being reloaded, shows that the bot is alive."""
    page.get_by_role("link", name="Bots", exact=True).click()
    state = card(page, BOT).locator("h2 .state")
    expect(state).to_have_text(re.compile("#provisioning|#alive"))
    expect(state).to_have_text("#alive", timeout=PATIENCE_MS)


def makes_an_invite(page: Page) -> str:
    """Make an invite; return the code that the page shows."""
    page.get_by_role("link", name=HOST).click()
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("For whom").fill(NOTE)
    page.get_by_role("button", name="Make an invite").click()
    code = page.locator("code.code")
    expect(code).to_contain_text(re.compile(rf"{re.escape(HOST)}:\d+:@\S+=\.ed25519~\S+"), timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name=NOTE)).to_be_visible()
    page.get_by_text("QR code").click()
    expect(page.locator("img.qr")).to_be_visible()
    return code.inner_text()


def is_told_who_used_it(page: Page, peer: str) -> None:
    """Check that the page asks the pub again once its copy is old, and shows who used the invite."""
    used = page.locator("article.invite", has_text=NOTE).get_by_text(peer)
    until(lambda: page.reload() and _shows(used), 60, "the invite is shown as used")
    expect(page.get_by_role("heading", name="Used", exact=True)).to_be_visible()
    expect(page.locator("code.code")).to_have_count(0)


def _shows(used: object) -> bool:
    return bool(used.count())  # type: ignore[attr-defined]
