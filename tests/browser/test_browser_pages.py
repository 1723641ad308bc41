"""Every page of the table as people meet it: light and dark, on desktop and telephone, by keyboard, without scripts."""

from typing import Literal

import pytest
from browsing import SCREENS, Opened, arrive, assert_accessible, assert_fits
from furnishing import LOG
from places import OWNER, PLACES, Place
from playwright.sync_api import Page, Request, expect
from scene import Scene

each = pytest.mark.parametrize("place", PLACES, ids=[place.name for place in PLACES])
TABS = 60
MOST = 150_000
"""The most that a page with all its files may weigh, in bytes."""


def visit(page: Page, scene: Scene, place: Place) -> Page:
    """Let the node report, then go to the place; the response must have the table's status."""
    scene.tell()
    answer = arrive(page, scene.address(place.path), place)
    assert answer.status == place.status, page.content()
    return page


def test_the_lines_of_a_log_stand_below_each_other(opened: Opened, scene: Scene) -> None:
    """This test must come first: a later one asks for the log again by keyboard, and nothing answers that."""
    page = opened(OWNER).new_page()
    page.goto(scene.address("/bots/my/log"))
    assert page.locator("#lines code").inner_text().split("\n") == LOG


@each
def test_it_is_light_fits_and_is_for_everybody(opened: Opened, scene: Scene, place: Place) -> None:
    page = opened(place.who).new_page()
    done: list[Request] = []
    page.on("requestfinished", lambda request: done.append(request))  # Playwright refuses done.append
    visit(page, scene, place)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert_light(page, done)
    assert_is_for_everybody(page, "desktop", "light")


@each
@pytest.mark.slow
def test_a_telephone_in_the_dark_shows_it_to_everybody(opened: Opened, scene: Scene, place: Place) -> None:
    assert_is_for_everybody(visit(opened(place.who).new_page(), scene, place), "telephone", "dark")


def assert_is_for_everybody(page: Page, screen: str, colours: Literal["light", "dark"]) -> None:
    """Check that the page fits the screen, and that axe finds nothing wrong with it.

    Each screen and each colour scheme is looked at once, not in all combinations: axe takes most of the time and sees
    no difference.
    """
    page.set_viewport_size(SCREENS[screen]["viewport"])
    page.emulate_media(color_scheme=colours)
    assert_fits(page)
    assert_accessible(page)


def assert_light(page: Page, done: list[Request]) -> None:
    """Check the total size of the page and its files."""
    page.wait_for_load_state("networkidle")
    sent = sum(request.sizes()["responseBodySize"] for request in done)
    assert 10_000 < sent < MOST, f"{sent} bytes for {[request.url for request in done]}"


@each
def test_it_needs_no_script(opened: Opened, scene: Scene, place: Place) -> None:
    page = visit(opened(place.who, java_script_enabled=False).new_page(), scene, place)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if place.action:
        name = page.get_by_role("link", name=place.action).or_(page.get_by_role("button", name=place.action))
        expect(name.last).to_be_visible()
    for form in page.locator("form").all():
        assert form.get_attribute("action") or form.get_attribute("method") == "get"  # a filter has its own page


@each
def test_the_keyboard_alone_reaches_what_one_came_for(opened: Opened, scene: Scene, place: Place) -> None:
    page = visit(opened(place.who).new_page(), scene, place)
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    if not place.action:
        return
    seen = []
    while place.action not in seen:
        page.keyboard.press("Tab")
        seen.append(focused(page))
        assert len(seen) < TABS, f"{place.action} is not among {seen}"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", "the focus can't be seen"
    with page.expect_navigation():
        page.keyboard.press("Enter")


def focused(page: Page) -> str:
    """The text or label of the focused element."""
    return str(page.evaluate("(document.activeElement.innerText || document.activeElement.ariaLabel || '').trim()"))


def test_a_complaint_fails_a_test(opened: Opened, complaints, scene: Scene) -> None:
    page = opened().new_page()
    page.goto(scene.address("/"))
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=/nothing.png><p style=\"color: red\">')")
    page.evaluate("const made = document.createElement('script'); made.text = 'stop()'; document.body.append(made)")
    page.evaluate("setTimeout(() => { throw new Error('from a script') })")
    page.wait_for_load_state("networkidle")
    heard = " ".join(complaints.heard)
    for what in ("style-src", "script-src", "from a script", "404"):
        assert what in heard
    complaints.heard.clear()


def test_htmx_and_uplot_work_under_the_policy(page: Page) -> None:
    page.goto("/")
    assert page.evaluate("[htmx.config.allowEval, htmx.config.includeIndicatorStyles]") == [False, False]
    page.evaluate("htmx.ajax('GET', '/sign-in', {target: '.welcome', swap: 'innerHTML', select: 'form'})")
    expect(page.locator(".welcome").get_by_label("Password")).to_be_visible()
    page.evaluate(
        """() => new Promise((loaded) => {
          const script = document.createElement('script');
          script.src = '/static/vendor/uPlot.iife.min.js';
          script.onload = loaded;
          document.head.append(script);
        })"""
    )
    page.evaluate(
        "new uPlot({width: 300, height: 100, series: [{}, {stroke: 'green'}]}, [[1, 2, 3], [1, null, 3]], "
        "document.querySelector('.welcome'))"
    )
    expect(page.locator(".uplot canvas")).to_be_visible()


def test_a_legend_without_a_value_has_no_colon(opened: Opened, scene: Scene) -> None:
    page = opened(OWNER).new_page()
    page.goto(scene.address("/bots/my/status?span=hour"))
    memory = page.locator("[data-figure=memory] .u-series")
    expect(memory).to_have_count(4)
    expect(memory.first).to_be_hidden()  # It shows the time at the pointer, and there is no pointer.
    told = memory.locator("th").evaluate_all("all => all.map(th => getComputedStyle(th, '::after').content)")
    assert told == ["none"] * 4
