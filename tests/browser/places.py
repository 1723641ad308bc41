"""Every page that people see: one line each. The tests of pages and the screenshots both go through it.

``who`` is one of the scene's people (scene.py), or NOBODY. In ``path``, names in braces are filled with what the scene
knows ({job} is a job's id). A path such as ``fault:503`` shows the page about that error. ``action`` is the name of the
link or button that somebody comes for: the keyboard must reach it, and Enter must lead on.
"""

from dataclasses import dataclass

NOBODY, OWNER, NEWCOMER, OPERATOR = "", "owner@example.org", "new@example.org", "operator@example.org"


@dataclass(frozen=True)
class Place:
    """A page: its name, where it is, who looks at it, what they come for, and the status of the answer."""

    name: str
    path: str
    who: str = NOBODY
    action: str = ""
    status: int = 200


PLACES = (
    Place("landing", "/", action="start"),
    Place("landing-signed-in", "/", OWNER, "Your bots"),
    Place("sign-in", "/sign-in", action="Sign in"),
    Place("start", "/start", action="Yes"),
    Place("forgotten", "/forgotten", action="Send the link"),
    Place("mailed", "/mailed"),
    Place("account", "/account", OWNER, "Change the name"),
    Place("second-factor", "/account/second-factor", OWNER, "Make a key"),
    Place("bots", "/bots", OWNER, "my.butt.nz"),
    Place("bots-none", "/bots", NEWCOMER),
    Place("bot", "/bots/my", OWNER, "Make an invite"),
    Place("bot-sick", "/bots/your", OWNER, "Make an invite"),
    Place("job-invite", "/my/jobs/{invite}", OWNER, "← my.butt.nz"),
    Place("job-failed", "/my/jobs/{failed}", OWNER, "← your.butt.nz"),
    Place("api", "/api", action="openapi.json"),
    Place("error-404", "/nothing/here", action="To the start", status=404),
    *(
        Place(f"error-{status}", f"fault:{status}", OWNER, action, status)
        for status, action in (
            (403, "Your bots"), (422, "Your bots"), (429, "Try again"), (500, "Try again"), (503, "Try again"),
        )
    ),
)  # fmt: skip
