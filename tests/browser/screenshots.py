"""Take a picture of each page of the table: docs/screenshots/<page>-<light|dark>-<desktop|telephone>.png.

python tests/browser/screenshots.py [PAGE…]
"""

import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "usecases")]

from browsing import SCREENS, chromium, sign_in  # noqa: E402
from pictures import smaller  # noqa: E402
from places import PLACES, Place  # noqa: E402
from playwright.sync_api import Browser  # noqa: E402
from scene import Scene, furnished  # noqa: E402

FOLDER = TESTS.parent / "docs" / "screenshots"
TALLEST = 2000
"""No picture is taller, in pixels."""


def take(browser: Browser, scene: Scene, places: list[Place]) -> None:
    """The pictures of these places, on each screen, light and dark."""
    for screen, size in SCREENS.items():
        for who in dict.fromkeys(place.who for place in places):
            context = browser.new_context(**size)
            page = context.new_page()
            if who:
                sign_in(page, scene.service.public_url, who)
            for place in [place for place in places if place.who == who]:
                for colours in ("light", "dark"):
                    page.emulate_media(color_scheme=colours)
                    page.goto(scene.address(place.path), wait_until="networkidle")
                    width, height = size["viewport"]["width"], page.evaluate("document.documentElement.scrollHeight")
                    clip = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST)}
                    png = page.screenshot(full_page=True, clip=clip, animations="disabled")
                    (FOLDER / f"{place.name}-{colours}-{screen}.png").write_bytes(smaller(browser, png))
            context.close()


def main(names: list[str]) -> None:
    """Take them all, or those that are named."""
    places = [place for place in PLACES if not names or place.name in names]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="saltcellar-") as folder,
        furnished(Path(folder)) as scene,
        chromium() as browser,
    ):
        take(browser, scene, places)
    taken = list(FOLDER.glob("*.png"))
    print(f"{len(taken)} pictures in docs/screenshots, {sum(one.stat().st_size for one in taken) >> 10} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
