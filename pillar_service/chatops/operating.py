"""Words for operators: the audit, a lost second factor, the catalogue's files."""

import time

from pillar_service.chatops import messages
from pillar_service.chatops.blocks import Block
from pillar_service.chatops.facts import Said
from pillar_service.core.errors import Invalid
from pillar_service.usecases.meeseeks import operating
from pillar_service.usecases.meeseeks.asker import Asker

OWN = {
    "audit": "'audit [actor=… action=… subject=…]': who did what; 'audit verify': check that nothing in it was changed",
    "reload": "read the catalogue, the roles and the personas again",
}

SHOWN = 20
FILTERS = ("actor", "action", "subject")


def audit(who: Asker, said: Said, words: list[str]) -> Block:
    """Show the newest entries of the audit, or whether its chain is intact."""
    if words == ["verify"]:
        return _verified(who)
    wanted = dict(word.partition("=")[::2] for word in words)
    if set(wanted) - set(FILTERS):
        raise Invalid("Write 'audit', 'audit verify', or 'audit actor=chat:T01/U02 action=meeseeks.ask'.")
    rows = operating.audit(who, SHOWN, **wanted)
    told = [f"{_moment(row['at'])}  {row['actor']}  {row['action']}  {row['subject']}  {row['detail']}" for row in rows]
    return messages.listing("The audit, newest first", told or ["Nothing."])


def _verified(who: Asker) -> Block:
    told = operating.verify(who)
    fault = told["first_fault"]
    if fault is not None:
        return messages.said(f"The audit was changed: row {fault['n']}, {fault['why']}")
    return messages.said(
        f"The audit is intact: {told['rows']} rows. Its head is {told['head']['n']} {told['head']['chain']}."
    )


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))


def reset(who: Asker, user: str) -> Block:
    """Remove a lost second factor."""
    email = operating.reset_factor(who, user)
    return messages.said(f"The second factor of {email} is off, and they were told by mail.")


def unlink(who: Asker, user: str) -> Block:
    """Unlink a chat user from their account."""
    operating.unlink(who, user)
    return messages.said(f"{user} is no longer linked to an account, and its owner was told by mail.")


def reload(who: Asker, said: Said, words: list[str]) -> Block:
    """Read the catalogue's files now."""
    told = operating.reload(who)
    return messages.said(f"{len(told['commands'])} commands and {len(told['roles'])} roles are in force now.")
