"""What a browser calls itself (its User-Agent), as people know it: a guess, for them to tell their sessions apart by.

Each calls itself by others' names, too, so the order counts: the one that nobody borrows comes first.
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
    """The browser and its system in a few words; of one that is not known, the beginning of what it says."""
    browser = next((name for sign, name in BROWSERS if sign in agent), "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    if not browser:
        return names.fitting(agent, LONGEST)
    return f"{browser} on {system}" if system else browser
