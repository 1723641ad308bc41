"""Debian's headless Chromium, driven by Playwright, and what must hold for every page."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from places import PASSWORD, Place
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright

CHROMIUM = Path("/usr/bin/chromium-headless-shell")
MISSING = f"{CHROMIUM} is not there: run `make dev`."
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

Opened = Callable[..., BrowserContext]
"""The fixture `opened`: opens a browser context."""

SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1120, "height": 720}},
    "telephone": {"viewport": {"width": 390, "height": 844}, "has_touch": True},
}


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    if not CHROMIUM.exists():
        raise RuntimeError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Complaints:
    """What goes wrong unseen in a browser's pages: errors in scripts, violations of the policy, missing files."""

    heard: list[str] = field(default_factory=list)

    def listen(self, context: BrowserContext) -> None:
        """Collect the complaints of this context's pages from now on."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.heard.append(f"error: {error.error}"))
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # Missing pages and files are judged by their response: the console does not say which of the two it was.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.heard.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self.heard.append(f"{response.status}: {response.url}")


def sign_in(page: Page, base: str, email: str, password: str = PASSWORD, codes: list[str] | None = None) -> None:
    """Sign in on the form, with one of these codes if asked for one.

    The page then shows whatever comes next; without codes, that may be the second step.
    """
    page.goto(f"{base}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.locator("main").get_by_role("button").first.click()
    page.wait_for_url(lambda url: urlsplit(url).path != "/sign-in")
    if codes and page.url.endswith("/sign-in/code"):
        page.get_by_label("Code").fill(codes.pop())
        page.locator("main").get_by_role("button").first.click()
        page.wait_for_url(lambda url: "/sign-in" not in url)


def arrive(page: Page, address: str, place: Place) -> Response:
    """Go to a place's address, fill in what the table says, and return the response of the page that comes."""
    answer = page.goto(address)
    if place.typed:
        for label, text in place.typed:
            page.get_by_label(label).fill(text)
        with page.expect_navigation() as came:
            page.locator("main").get_by_role("button").first.click()
        answer = came.value
    assert answer is not None
    return answer


AXE = Axe()


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page: rules and elements."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.axe_script)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {'; '.join(node['html'][:160] for node in rule['nodes'][:3])}"
        for rule in found["violations"]
    ]


def assert_accessible(page: Page) -> None:
    """Check that axe finds nothing wrong."""
    found = violations(page)
    assert not found, f"{page.viewport_size}: " + "\n".join(found)


def assert_fits(page: Page) -> None:
    """Check that the page does not scroll sideways."""
    width, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= room, f"{page.url} is {width} px wide where there are {room}"
