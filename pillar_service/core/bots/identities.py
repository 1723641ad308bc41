"""A bot's identity: the id of its pub, which never changes. With another id, it would be another pub under the same
name, without the followers, and nobody would notice."""

MEND = (
    "Bring its data directory back (its disk, its mount, or `saltcellar: data` in the minion's configuration), then start the "
    "bot. Where that is lost for good, delete the bot, and import its newest export as another one."
)
"""What to do about a bot whose identity is not the one it had."""


def another(known: str | None, found: str | None) -> str | None:
    """The sentence for a bot whose identity should be ``known`` (None: it has none yet) but is ``found`` (None: it has none).

    Returns None if the identity is right.
    """
    if known is None or known == found:
        return None
    who = f"it is {found}" if found else "no identity is there"
    return f"The bot should be {known}, but {who}. {MEND}"
