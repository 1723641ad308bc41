"""Prints what `make demo` shows at its end: where to look, and who signs in there."""

import pyotp
from cast import BOTS, DESK, NODES, OLGA, PAGES, PEOPLE
from outage import BOT, NODE
from people import known


def signs_in() -> list[str]:
    """A line for each person, with what they sign in with."""
    told = known()
    lines = [f"  sign in  {email:<22} {told[email]['password']}" for email in PEOPLE]
    code = pyotp.TOTP(told[OLGA]["secret"]).now()
    return [
        *lines,
        f"           and as the operator with the code {code}, good for half a minute (make demo shows the next)",
    ]


def places() -> list[str]:
    """A line for each page that is worth a look, with who can see it."""
    seen = {
        f"{PAGES}/bots": "Ann's bots, or Ben's",
        f"{PAGES}/bots/{next(iter(BOTS))}/status": "how a pub is (Ann)",
        f"{PAGES}/bots/{BOT}/invites": "who used an invite (Ben)",
        f"{PAGES}/admin/fleet": f"all {len(BOTS)} bots on {len(NODES)} nodes (operator)",
        f"{PAGES}/admin/nodes/{NODE}/story": f"how {NODE} healed {BOT} alone (operator)",
        f"{PAGES}/admin/commands": "what was asked for in Slack (operator)",
        DESK: "the talk in the fake Slack; go on with it",
    }
    width = max(map(len, seen))
    return [f"  {address:<{width}}  {what}" for address, what in seen.items()]


def main() -> None:
    """Print everything."""
    print("\n".join([*signs_in(), "", *places(), "", "make demo-down stops it and forgets it."]))


if __name__ == "__main__":
    main()
