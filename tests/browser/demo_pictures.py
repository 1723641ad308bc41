"""Take pictures of the tour of `make demo`, which must be running: docs/screenshots/demo-*.png.

vagrant/demo-recording.sh runs this, with the tour's settings in the environment.
"""

import sys
from pathlib import Path

import pyotp
from browsing import SCREENS, chromium, sign_in
from pictures import smaller
from playwright.sync_api import Browser, FloatRect, Page
from screenshots import KEPT, picture

sys.path.append(str(Path(__file__).parents[2] / "vagrant" / "demo"))

from cast import ANN, DESK, OLGA, PAGES, client
from outage import HEALING, NODE
from people import known


def signed_in(browser: Browser, email: str) -> Page:
    """A page of one of the tour's people."""
    told = known()[email]
    codes = [pyotp.TOTP(told["secret"]).now()] if "secret" in told else None
    page = browser.new_context(**SCREENS["desktop"]).new_page()
    sign_in(page, PAGES, email, told["password"], codes)
    return page


def take(page: Page, name: str, address: str) -> None:
    """Take one picture."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    keep(page, name, picture(page))


def take_healing(page: Page, address: str) -> None:
    """Take a picture of the lines of a node's story from the pub's hang to its restart."""
    page.goto(address)
    first, last = (page.locator("tr", has_text=f'"event": "{event}"').last.bounding_box() for event in HEALING)
    assert first
    assert last
    clip: FloatRect = {**first, "height": last["y"] + last["height"] - first["y"]}
    keep(page, "story", page.screenshot(full_page=True, clip=clip))


def keep(page: Page, name: str, png: bytes) -> None:
    """Save a picture, reduced in size."""
    assert page.context.browser
    (KEPT / f"demo-{name}.png").write_bytes(smaller(page.context.browser, png))


def main() -> None:
    """Take all pictures."""
    jobs = client().command_jobs()
    restart = next(job["id"] for job in jobs if job["command"] == "restart-bot" and job["state"] == "succeeded")
    with chromium() as browser:
        ann, olga = signed_in(browser, ANN), signed_in(browser, OLGA)
        take(ann, "bots", f"{PAGES}/bots")
        take(ann, "bot", f"{PAGES}/bots/garden/status?span=hour")
        take(olga, "fleet", f"{PAGES}/admin/fleet")
        take(olga, "job", f"{PAGES}/admin/jobs/{restart}")
        take_healing(olga, f"{PAGES}/admin/nodes/{NODE}/story")
        olga.set_viewport_size({"width": 720, "height": 720})
        take(olga, "slack", f"{DESK}/channel")


if __name__ == "__main__":
    main()
