"""Clumsy and unlucky people: double clicks, the back button, two tabs, an expired session."""

import re
import time
from collections.abc import Iterator

import pouring
import pyotp
import pytest
import telling
from browsing import Complaints, Opened, sign_in
from daemons import Service
from places import LATE, NEWCOMER, OWNER, PASSWORD
from playwright.sync_api import Page, expect
from scene import Scene, furnished, inside

from pillar_service.usecases.bots import health

AGAIN_MS = 15_000
"""Parts of a page are fetched every five seconds; within so many milliseconds a change must show."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A service of its own, as these tests change bots."""
    with furnished(tmp_path_factory.mktemp("clumsy")) as scene:
        yield scene


@pytest.fixture(scope="module")
def service(scene: Scene) -> Service:
    """The scene's service, both apps."""
    return scene.service


@pytest.mark.slow
def test_a_page_that_can_not_be_renewed_says_so_until_it_can(
    opened: Opened, complaints: Complaints, scene: Scene
) -> None:
    page = opened(OWNER).new_page()
    page.goto("/bots/your/status")
    expect(page.locator("#bot-state")).to_have_text("#sick")
    page.route("**/status/figures", lambda route: route.abort())
    expect(page.get_by_text("This page has not been updated since")).to_be_visible(timeout=AGAIN_MS)
    expect(page.locator("#bot-state")).to_have_text("#sick")
    page.unroute("**/status/figures")
    with inside(scene.service):
        health.take(
            telling.NODE, [pouring.event(pouring.report(scene.known["your"], **telling.WELL), n=int(time.time()) + 60)]
        )
    expect(page.locator("#bot-state")).to_have_text("#alive", timeout=AGAIN_MS)
    expect(page.get_by_text("This page has not been updated since")).to_have_count(0)
    complaints.heard = [said for said in complaints.heard if not said.startswith("error: htmx:")]


def asked(page: Page, name: str) -> list[str]:
    """The addresses of a bot's newest jobs, from its page of actions."""
    page.goto(f"/bots/{name}/actions")
    return [str(link.get_attribute("href")) for link in page.locator("ul.jobs a").all()]


def test_a_double_click_makes_one_job(opened: Opened) -> None:
    page = opened(OWNER).new_page()
    before = asked(page, "my")
    page.get_by_role("button", name="Restart", exact=True).dblclick(no_wait_after=True)
    page.wait_for_url(re.compile("/my/jobs/"))
    made = page.url
    after = asked(page, "my")
    assert len(after) - len(before) == 1
    assert made.endswith(after[0])


def test_back_shows_how_it_is_now_and_loading_again_asks_nothing(opened: Opened) -> None:
    page = opened(OWNER).new_page()
    before = asked(page, "your")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_url(re.compile("/my/jobs/"))
    page.reload()
    page.go_back()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    page.go_forward()
    page.wait_for_url(re.compile("/my/jobs/"))
    assert len(asked(page, "your")) - len(before) == 1


def test_a_double_click_pours_one_bot(opened: Opened) -> None:
    page = opened(NEWCOMER).new_page()
    page.goto("/bots/new")
    page.get_by_label("Name").fill("twice")
    page.get_by_role("button", name="Pour it").dblclick(no_wait_after=True)
    page.wait_for_url(re.compile("/bots$"))
    expect(page.get_by_role("link", name="twice.butt.nz")).to_have_count(1)
    page.go_back()
    page.get_by_label("Name").fill("twice")
    page.get_by_role("button", name="Pour it").click()
    page.wait_for_url(re.compile("/bots"))
    page.goto("/bots")
    expect(page.get_by_role("link", name="twice.butt.nz")).to_have_count(1)


def test_what_one_tab_did_the_other_is_told(opened: Opened) -> None:
    context = opened(OWNER)
    one, other = context.new_page(), context.new_page()
    for page in (one, other):
        page.goto("/bots/my/delete")
    delete(one)
    expect(one.locator("#job")).to_contain_text("#queued")
    delete(other)
    expect(other.get_by_role("heading", level=1)).to_be_visible()
    one.goto("/bots")
    expect(one.get_by_role("link", name="my.butt.nz").first).to_be_visible()
    expect(one.get_by_text("#going")).to_have_count(1)


def delete(page: Page) -> None:
    """Submit the form that deletes a bot."""
    page.get_by_label("The bot's name, to be sure").fill("my")
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_role("button", name="Delete my").click()
    page.wait_for_load_state()


def test_signing_out_in_one_tab_signs_out_the_other(opened: Opened, service: Service) -> None:
    context = opened()
    one, other = context.new_page(), context.new_page()
    sign_in(one, service.public_url, OWNER)
    other.goto("/bots/your/actions")
    one.get_by_role("button", name="Sign out").click()
    other.get_by_role("button", name="Start", exact=True).click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    comes_in(other)
    other.wait_for_url(re.compile("/bots/your/actions$"))


def test_an_expired_session_leads_to_sign_in_and_back(opened: Opened, service: Service) -> None:
    context = opened()
    page, elsewhere = context.new_page(), opened().new_page()
    sign_in(page, service.public_url, OWNER)
    page.goto("/bots/your/status?span=month")
    sign_in(elsewhere, service.public_url, OWNER)
    elsewhere.goto("/account")
    elsewhere.get_by_role("button", name="End all others").click()
    elsewhere.wait_for_load_state()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    comes_in(page)
    page.wait_for_url(re.compile(r"/bots/your/status\?span=month$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("your.butt.nz")


def comes_in(page: Page) -> None:
    """Sign in on the page that one was sent to."""
    page.get_by_label("E-mail").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()


def test_a_double_click_turns_the_second_factor_on_and_leaves_its_codes_to_be_read(opened: Opened) -> None:
    page = opened(LATE).new_page()
    page.goto("/account/second-factor")
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_role("button", name="Make a key").dblclick(no_wait_after=True)
    key = page.locator("p", has_text="Key:").locator("code").inner_text()
    page.get_by_label("Code").fill(pyotp.TOTP(key).now())
    page.get_by_role("button", name="Turn it on").dblclick(no_wait_after=True)
    expect(page.get_by_text("The second factor is on.")).to_be_visible()
    expect(page.locator("main li code")).to_have_count(10)
