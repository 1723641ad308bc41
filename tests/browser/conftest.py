"""Fixtures for a browser on the real service."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
# For daemons.py (the service under gunicorn) and pouring.py (bots, and a node that answers).
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "usecases")]

from browsing import SCREENS, Complaints, Opened, chromium, sign_in  # noqa: E402
from daemons import Service  # noqa: E402
from playwright.sync_api import Browser, BrowserContext, Page  # noqa: E402
from scene import Scene, furnished  # noqa: E402


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each test has its own pages."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The service with people and bots in it; tests that change them use one of their own."""
    with furnished(tmp_path_factory.mktemp("scene")) as scene:
        yield scene


@pytest.fixture(scope="session")
def service(scene: Scene) -> Service:
    """The scene's service, both apps under gunicorn."""
    return scene.service


@pytest.fixture(scope="module")
def _signed_in(browser: Browser, scene: Scene) -> Callable[[str, str], dict[str, object]]:
    kept: dict[tuple[str, str], dict[str, object]] = {}

    def cookies(base: str, who: str) -> dict[str, object]:
        if (base, who) not in kept:
            context = browser.new_context()
            sign_in(context.new_page(), base, who, codes=scene.codes)
            kept[base, who] = dict(context.storage_state())
            context.close()
        return kept[base, who]

    return cookies


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Complaints of the test's pages: the test fails if any are left at its end."""
    complaints = Complaints()
    yield complaints
    assert complaints.heard == []


@pytest.fixture
def opened(
    browser: Browser, complaints: Complaints, _signed_in: Callable[[str, str], dict[str, object]], service: Service
) -> Iterator[Opened]:
    """Opens a browser context: opened(who, screen="desktop", **arguments of Playwright's new_context)."""
    contexts: list[BrowserContext] = []

    def opened(who: str = "", screen: str = "desktop", **more: object) -> BrowserContext:
        state = {"storage_state": _signed_in(service.public_url, who)} if who else {}
        context = browser.new_context(base_url=service.public_url, **(SCREENS[screen] | state | more))
        context.set_default_timeout(15_000)
        complaints.listen(context)
        contexts.append(context)
        return context

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(opened: Opened) -> Page:
    """A page of someone who is not signed in."""
    return opened().new_page()
