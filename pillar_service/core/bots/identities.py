"""Who a bot is: the id of its pub, which it keeps for good. A new one in its place would be another pub under its name, with
none of its followers, and nobody would see it."""

MEND = (
    "Bring its data directory back (its disk, its mount, or `saltcellar: data` in the minion's configuration), then start the "
    "bot. Where that is lost for good, delete the bot, and import its newest export as another one."
)
"""What to do about a bot that is not who it was."""


def another(known: str | None, found: str | None) -> str | None:
    """The sentence when a bot that is known as ``known`` (None: it has no identity yet) is found as ``found`` (None: nobody).

    None when it is who it was.
    """
    if known is None or known == found:
        return None
    who = f"it is {found}" if found else "no identity is there"
    return f"The bot should be {known}, but {who}. {MEND}"
