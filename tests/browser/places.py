"""Every page that people see, one line each, for the tests of pages and for the screenshots.

``who`` is one of the scene's people (furnishing.py), or NOBODY. Names in braces in ``path`` are filled with what the scene
knows ({job} is a job's id). A path such as ``fault:503`` shows that error's page, and ``shown:recovery`` a page that is
shown only once. ``typed`` is written into the form at ``path``, whose first button then leads to the page in question.
``action`` is the name of the link or button that people come for: the keyboard must reach it, and Enter must follow it.
"""

from dataclasses import dataclass

NOBODY, OWNER, NEWCOMER, OPERATOR = "", "owner@example.org", "new@example.org", "operator@example.org"
LATE, SUSPENDED = "late@example.org", "suspended@example.org"
PASSWORD = "long enough 1"  # as set by pouring.owner()


@dataclass(frozen=True)
class Place:
    """A page: its name, its path, who visits it, what they come for, and the response's status."""

    name: str
    path: str
    who: str = NOBODY
    action: str = ""
    status: int = 200
    typed: tuple[tuple[str, str], ...] = ()


def _written(email: str, password: str) -> tuple[tuple[str, str], ...]:
    return (("E-mail address", email), ("Password", password))


JOINING = (
    Place("landing", "/", action="start"),
    Place("landing-signed-in", "/", OWNER, "Your bots"),
    Place("start", "/start", action="Yes"),
    Place("start-wrong", "/start", action="Yes", status=422, typed=_written("carol@example.org", "password")),
    Place("newbie", "/start", action="Yes", typed=_written("nina@example.org", "seven lemons in a cellar")),
    Place("mailed", "/mailed", action="The mailbox of this trial"),
    Place("mailbox", "/mailbox"),
    Place("welcome", "/welcome/{welcome}", action="Yes"),
    Place("sign-in", "/sign-in", action="Sign in"),
    Place("sign-in-code", "/sign-in", action="Sign in", typed=_written(OPERATOR, PASSWORD)),
    Place("forgotten", "/forgotten", action="Send the link"),
    Place("reset", "/reset/{reset}", action="Set it"),
    Place("verify", "/verify/{verify}", OWNER),  # no action: the address could be confirmed only once
    Place("join", "/join/{join}", action="Sign in"),
    Place("join-signed-in", "/join/{join}", NEWCOMER),  # no action: one can join only once
)

BOTS = (
    Place("bots", "/bots", OWNER, "my.butt.nz"),
    Place("bots-operator", "/bots", OPERATOR, "Admin"),
    Place("bots-none", "/bots", NEWCOMER, "Make a bot"),
    Place("bot-new", "/bots/new", OWNER, "Pour it"),
    Place("bot-import", "/bots/import", OWNER, "Import it"),
    Place("bot", "/bots/my/actions", OWNER, "Invite somebody"),
    Place("bot-sick", "/bots/your/actions", OWNER, "Start"),
    Place("bot-poured", "/bots/seeds/actions", OWNER, "Invite somebody"),
    Place("status-hour", "/bots/my/status?span=hour", OWNER, "1 day"),
    Place("status-day", "/bots/my/status?span=day", OWNER, "1 hour"),
    Place("status-month", "/bots/my/status?span=month", OWNER, "1 day"),
    Place("status-year", "/bots/my/status?span=year", OWNER, "1 day"),
    Place("status-new", "/bots/seeds/status", OWNER),
    Place("invites", "/bots/my/invites", OWNER, "Make an invite"),
    Place("people", "/bots/my/people", OWNER, "Send an invitation"),
    Place("log", "/bots/my/log", OWNER, "Fetch them"),
    Place("export", "/bots/my/export", OWNER, "Export"),
    Place("delete", "/bots/my/delete", OWNER, "Delete my"),
    Place("restore", "/bots/swallow/restore", OWNER, "Restore swallow"),
    Place("job-invite", "/my/jobs/{invite}", OWNER, "← my.butt.nz"),
    Place("job-export", "/my/jobs/{export}", OWNER, "← my.butt.nz"),
    Place("job-queued", "/my/jobs/{queued}", OWNER, "← seeds.butt.nz"),
    Place("job-running", "/my/jobs/{running}", OWNER, "← seeds.butt.nz"),
    Place("job-failed", "/my/jobs/{failed}", OWNER, "← your.butt.nz"),
)

ACCOUNT = (
    Place("account", "/account", OWNER, "Change the name"),
    Place("second-factor", "/account/second-factor", OWNER, "Make a key"),
    Place("second-factor-qr", "/account/second-factor", NEWCOMER, "Turn it on"),
    Place("second-factor-on", "/account/second-factor", OPERATOR, "Make new recovery codes"),
    Place("recovery-codes", "shown:recovery", OWNER, "I have them"),
    Place("token-new", "/account/tokens/new", OWNER, "Make it"),
    Place("configuration", "/account/configuration", OWNER, "pub/restart-after"),
    Place("configuration-key", "/account/configuration/pub/restart-after", OWNER, "Set it"),
    Place(
        "configuration-taken",
        "/account/configuration",
        OWNER,
        "Set it",
        412,
        (("Key", "pub/restart-after"), ("Value, as JSON", "90")),
    ),
    Place("chat-link", "/chat/link/{link}", OWNER),  # no action: the link could be used only once
    Place("nodes", "/nodes", OWNER, "Make a token"),
    Place("nodes-none", "/nodes", NEWCOMER, "Make a token"),
    Place("story", "/nodes/{shed}/story", OWNER, "← Your nodes"),
    Place("node-bots", "/nodes/{shed}/bots", OWNER, "Set it"),
    Place("node-lost", "/nodes/{shed}/lost", OWNER, "It is lost"),
    Place("registry", "/nodes/registry", OWNER, "← Your nodes"),
    Place("facts", "/nodes/{shed}/facts", OWNER, "← Facts of your nodes"),
    Place("node-events", "/nodes/events", OWNER, "Show"),
    Place("node-token", "shown:node-token", OWNER, "I have it"),
    Place("forwardings", "/account/forwardings", OWNER, "Forward"),
    Place("forwardings-none", "/account/forwardings", NEWCOMER, "Forward"),
    Place("forwarding-made", "shown:forwarding", OWNER, "I have it"),
    Place("payment", "/payment", OWNER),
    Place("payment-thanks", "/payment/thanks", OWNER),
    Place("payment-cancelled", "/payment/cancelled", OWNER),
    Place("payment-trial", "/payment", NEWCOMER),
    Place("payment-past-due", "/payment", LATE),
    Place("payment-suspended", "/payment", SUSPENDED),
    Place("bots-suspended", "/bots", SUSPENDED),
)

ADMIN = tuple(
    Place(f"admin-{name}", f"/admin{path}", OPERATOR, action)
    for name, path, action in (
        ("health", "", "Search"), ("fleet", "/fleet", "Search"), ("accounts", "/accounts", "owner@example.org"),
        ("account", "/accounts/{owner}", "Search"), ("suspend", "/accounts/{owner}/suspend", "No, go back"),
        ("resume", "/accounts/{owner}/resume", "No, go back"),
        ("second-factor-off", "/accounts/{owner}/second-factor-off", "No, go back"),
        ("bots", "/bots", "my"), ("bot", "/bots/{my}", "Search"),
        ("nodes", "/nodes", "cellar-1"), ("node", "/nodes/cellar-1", "Search"),
        ("node-lost", "/nodes/cellar-1/lost", "It is lost"), ("restore", "/bots/{swallow}/restore", "Restore swallow"),
        ("jobs", "/jobs", "Search"),
        ("job", "/jobs/{failed}", "Search"), ("commands", "/commands", "Search"),
        ("standings", "/standings", "cellar-1"), ("story", "/nodes/{shed}/story", "Search"),
        ("registry", "/registry", "cellar-1"), ("facts", "/nodes/{shed}/facts", "Search"),
        ("events", "/events", "Search"), ("reports", "/reports", "Search"),
        ("forwardings", "/forwardings", "Forward"), ("audit", "/audit", "Search"),
        ("search", "/search?q=owner", "owner@example.org"),
    )
)  # fmt: skip

ERRORS = (
    Place("error-404", "/nothing/here", action="To the start", status=404),
    *(
        Place(f"error-{status}", f"fault:{status}", OWNER, action, status)
        for status, action in (
            (400, "Your bots"), (403, "Your bots"), (409, "Your bots"), (413, "Your bots"), (422, "Your bots"),
            (429, "Try again"), (500, "Try again"), (503, "Try again"), (507, "Try again"),
        )
    ),
)  # fmt: skip

PLACES = (*JOINING, *BOTS, *ACCOUNT, Place("api", "/api", action="openapi.json"), *ADMIN, *ERRORS)
