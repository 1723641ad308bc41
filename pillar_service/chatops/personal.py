"""Words for a user's own things: aliases, and tokens with which a program runs one command as them."""

import time

from pillar_service.chatops import messages
from pillar_service.chatops.blocks import Block
from pillar_service.chatops.facts import Said
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks import typed
from pillar_service.usecases.chat import outbox
from pillar_service.usecases.meeseeks import aliases, tokens
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.meeseeks.looking import EVERYBODY

OWN = {
    "alias": "'alias NAME LINE': your own short word for the beginning of a line",
    "unalias": "'unalias NAME': delete an alias",
    "aliases": "your aliases",
    "token": "'token [--days N] LINE': a token with which a program may run that line as you, for 30 days or N (1 to 366)",
    "tokens": "your tokens; 'tokens revoke ID' revokes one; with the privilege, also 'tokens all' or 'tokens WHO'",
}


def _after(text: str, count: int) -> str:
    """What comes after the first ``count`` words, as it was written."""
    rest = text.split(maxsplit=count)
    return rest[count] if len(rest) > count else ""


def alias(who: Asker, said: Said, words: list[str]) -> Block:
    """Save an alias."""
    line = _after(said.text, 2)
    if not words or not line:
        raise Invalid("Write 'alias NAME LINE', such as 'alias r restart-bot my.butt.nz'.")
    aliases.alias(who, words[0], line)
    return messages.said(f"{words[0].lower()} is short for: {line}")


def unalias(who: Asker, said: Said, words: list[str]) -> Block:
    """Delete an alias."""
    if len(words) != 1:
        raise Invalid("Write 'unalias NAME'.")
    aliases.unalias(who, words[0])
    return messages.said(f"{words[0].lower()} is no longer an alias.")


def listed_aliases(who: Asker, said: Said, words: list[str]) -> Block:
    """Show the aliases."""
    return messages.listing(
        "Your aliases", [f"{name} = {line}" for name, line in aliases.listed(who).items()] or ["None."]
    )


def token(who: Asker, said: Said, words: list[str]) -> None:
    """Make a token; its secret is shown only this once, and only to them."""
    days, line = _for_days(said.text)
    if not line:
        raise Invalid("Write 'token LINE' or 'token --days 90 LINE', such as 'token bot-logs my.butt.nz'.")
    made = tokens.make(who, line, days)
    until = _day(made["expires_at"])
    told = f"Your token {made['id']} for {made['command']}, valid until {until}. I show it only once: {made['secret']}"
    outbox.whisper(said.channel, said.person.user, messages.said(told), said.whispering)


def _for_days(text: str) -> tuple[object, str]:
    """How many days a token should last (not checked here), and the line that it is for."""
    words = typed.words(text)[1:3]
    option, _, number = (words[0].option or "").partition("=") if words else ("", "", "")
    if option.lower() != "days":
        return tokens.DEFAULT_DAYS, _after(text, 1)
    written = number or (words[1].text if len(words) > 1 else "")
    days = int(written) if written.isascii() and written.isdigit() else written
    return days, _after(text, 2 if number else 3)


def whose(word: str, words: list[str]) -> str:
    """Whose things somebody wants to see: their own (empty), everybody's, or one actor's.

    Whether they may see them is decided elsewhere. Raises Invalid.
    """
    if len(words) > 1:
        raise Invalid(f"Write '{word}', '{word} all', or '{word} WHO', such as chat:T01/U02.")
    return EVERYBODY if words == ["all"] else "".join(words)


def listed_tokens(who: Asker, said: Said, words: list[str]) -> Block:
    """Show the tokens, or revoke one."""
    if words[:1] == ["revoke"] and len(words) == 2:
        tokens.revoke(who, words[1].lower())
        return messages.said(f"The token {words[1].lower()} no longer works.")
    if words[:1] == ["revoke"]:
        raise Invalid("Write 'tokens', or 'tokens revoke ID'.")
    rows = [
        f"{one['id']}  {one['command']}  {one['prefix']}…  until {_day(one['expires_at'])}"
        for one in tokens.listed(who, whose("tokens", words))
    ]
    return messages.listing("The tokens" if words else "Your tokens", rows or ["None."])


def _day(then: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(then))
