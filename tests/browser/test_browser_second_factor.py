"""Turning on the second factor with a telephone's code, and what it asks for from then on."""

import time
from collections.abc import Iterator

import pyotp
import pytest
from browsing import Opened, sign_in
from daemons import Service
from places import PASSWORD
from playwright.sync_api import Page, expect
from scene import Scene, furnished

OWNER = "owner@example.org"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A service of its own, as these tests change people."""
    with furnished(tmp_path_factory.mktemp("second")) as scene:
        yield scene


@pytest.fixture(scope="module")
def service(scene: Scene) -> Service:
    """The scene's service, both apps."""
    return scene.service


def test_with_a_code_one_comes_in_and_without_one_does_not(opened: Opened, service: Service) -> None:
    page = opened().new_page()
    sign_in(page, service.public_url, OWNER)
    phone, recovery = turns_it_on(page)
    page.get_by_role("button", name="Sign out").click()
    elsewhere = opened().new_page()
    sign_in(elsewhere, service.public_url, OWNER)  # leads to the second step
    expect(elsewhere.get_by_role("heading", name="Your code")).to_be_visible()
    elsewhere.goto("/bots")
    assert "/sign-in" in elsewhere.url, "the password alone opens nothing"
    elsewhere.goto("/sign-in/code")
    writes(elsewhere, "000000")
    expect(elsewhere.get_by_role("alert")).to_contain_text("That code is wrong")
    code = phone.at(int(time.time()) + 30)  # this step's was used; clocks may be a step ahead
    writes(elsewhere, code)
    expect(elsewhere.get_by_role("heading", name="Your bots")).to_be_visible()
    a_code_works_once(opened().new_page(), service, code, recovery)


def turns_it_on(page: Page) -> tuple[pyotp.TOTP, str]:
    """Turn the second factor on; return the telephone and a recovery code."""
    page.goto("/account")
    page.get_by_role("link", name="Turn it on").click()
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_role("button", name="Make a key").click()
    qr = page.get_by_alt_text("QR code of the key below")
    expect(qr).to_be_visible()
    assert qr.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    phone = pyotp.TOTP(page.locator("p", has_text="Key:").locator("code").inner_text())
    page.get_by_label("Code").fill(phone.now())
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_text("The second factor is on.")).to_be_visible()
    codes = page.locator("main li code").all_inner_texts()
    assert len(set(codes)) == 10
    page.get_by_role("link", name="I have them").click()
    expect(page.get_by_text("On: 10 recovery codes are left.")).to_be_visible()
    return phone, codes[0]


def writes(page: Page, code: str) -> None:
    """Write a code on the second step of signing in."""
    page.get_by_label("Code").fill(code)
    page.locator("main").get_by_role("button", name="Sign in").click()


def a_code_works_once(page: Page, service: Service, code: str, recovery: str) -> None:
    """Nor does a recovery code work twice, not even for a dangerous action."""
    sign_in(page, service.public_url, OWNER)
    writes(page, code)
    expect(page.get_by_role("alert")).to_contain_text("used already")
    writes(page, recovery)
    expect(page.get_by_role("heading", name="Your bots")).to_be_visible()
    page.goto("/bots/my/export")
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("Check the password and the code.")).to_be_visible()
    page.goto("/account")
    expect(page.get_by_text("On: 9 recovery codes are left.")).to_be_visible()
