"""A guess at the browser behind a User-Agent, so that people can tell their sessions apart.

Browsers also claim to be others, so the order matters: names that no other browser borrows come first.
"""

from pillar_service.core import names

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
)
LONGEST = 60


def called(agent: str) -> str:
    """The browser and its system in a few words; for an unknown browser, the beginning of its User-Agent."""
    browser = next((name for sign, name in BROWSERS if sign in agent), "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    if not browser:
        return names.fitting(agent, LONGEST)
    return f"{browser} on {system}" if system else browser
