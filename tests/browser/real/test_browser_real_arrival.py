"""What a person does with a real pub, in a browser: service, master, minion, Docker, nothing pretended."""

import re
import secrets
from collections.abc import Iterator

import pytest
from browsing import Opened, sign_in
from campaigns import let_go, poured
from daemons import Service
from playwright.sync_api import expect
from salt_daemons import Minion
from stack import cellar, cellar_1, client, master, minions, service

from pillar_service.master.client import Client

__all__ = ["cellar", "cellar_1", "client", "master", "minions", "service"]

PASSWORD = "a long enough one"
NAME = f"seen-{secrets.token_hex(3)}"


@pytest.fixture(scope="module")
def person(client: Client, cellar_1: Minion) -> Iterator[str]:
    """Somebody with a living pub."""
    email = f"{NAME}@example.org"
    client.create_agent({"type": "person", "email": email, "password": PASSWORD})
    bots = poured(client, [NAME], email, cellar_1.node)
    yield email
    let_go(client, bots)


def test_somebody_signs_in_and_makes_an_invite(opened: Opened, service: Service, person: str) -> None:
    page = opened().new_page()
    page.set_default_timeout(60_000)
    sign_in(page, service.public_url, person, PASSWORD)
    page.get_by_role("link", name=f"{NAME}.butt.nz").first.click()
    expect(page.get_by_text("#alive").first).to_be_visible()
    page.get_by_label("For whom").fill("Ann <b>")
    page.get_by_role("button", name="Make an invite").click()
    code = page.locator("code.code")
    expect(code).to_contain_text(re.compile(rf"{NAME}\.butt\.nz:\d+:@\S+=\.ed25519~\S+"), timeout=60_000)
    expect(page.get_by_text("Ann <b>").first).to_be_visible()
