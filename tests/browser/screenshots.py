"""Take pictures of all pages in places.py: <page>-<light|dark>-<desktop|telephone>.png.

python tests/browser/screenshots.py [PAGE…]    all, or the named ones, into docs/screenshots
"""

import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), *(str(TESTS / room) for room in ("integration", "usecases"))]

from browsing import SCREENS, arrive, chromium, sign_in  # noqa: E402
from pictures import smaller  # noqa: E402
from places import PLACES, Place  # noqa: E402
from playwright.sync_api import Browser, FloatRect, Page, StorageState  # noqa: E402
from scene import Scene, furnished  # noqa: E402

KEPT = TESTS.parent / "docs" / "screenshots"
TALLEST = 1500
"""The greatest height of a picture, in pixels."""


def take(browser: Browser, scene: Scene, places: list[Place]) -> None:
    """Take pictures of these places on each screen, light and dark."""
    for who in dict.fromkeys(place.who for place in places):
        state = signed_in(browser, scene, who)
        for screen, size in SCREENS.items():
            context = browser.new_context(storage_state=state, **size)
            for place in [place for place in places if place.who == who]:
                scene.tell()
                for colours in ("light", "dark"):
                    page = context.new_page()
                    page.emulate_media(color_scheme=colours)
                    arrive(page, scene.address(place.path), place)
                    page.wait_for_load_state("networkidle")
                    (KEPT / f"{place.name}-{colours}-{screen}.png").write_bytes(smaller(browser, picture(page)))
                    page.close()
            context.close()


def signed_in(browser: Browser, scene: Scene, who: str) -> StorageState | None:
    """The cookies of someone who is signed in."""
    if not who:
        return None
    context = browser.new_context()
    sign_in(context.new_page(), scene.service.public_url, who, codes=scene.codes)
    state = context.storage_state()
    context.close()
    return state


def picture(page: Page) -> bytes:
    """A picture of the page, cut off at TALLEST."""
    width, height = page.evaluate("[window.innerWidth, document.documentElement.scrollHeight]")
    clip: FloatRect = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST)}
    return page.screenshot(full_page=True, clip=clip, animations="disabled")


def main(names: list[str]) -> None:
    """Take all pictures, or the named ones."""
    with (
        tempfile.TemporaryDirectory(prefix="saltcellar-") as data,
        furnished(Path(data)) as scene,
        chromium() as browser,
    ):
        take(browser, scene, [place for place in PLACES if not names or place.name in names])
    taken = list(KEPT.glob("*.png"))
    print(f"{len(taken)} pictures in {KEPT}, {sum(one.stat().st_size for one in taken) >> 10} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
