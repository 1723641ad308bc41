"""Who may approve: the chat users that have a role, by their ids or by the accounts that they are linked to."""

from collections.abc import Iterator

from pillar_service.core.meeseeks.roles import CHAT_USER, User
from pillar_service.store.chat import chat_people
from pillar_service.store.people import accounts
from pillar_service.usecases.meeseeks import catalogue, people

MOST = 20


def of(role: str, team: str, actor: str) -> list[str]:
    """The user ids of a team's members who may act in a role, except the actor (`chat:TEAM/USER`); at most MOST."""
    policy = catalogue.current().policy
    users = {user for one in policy.roles if one.name == role for user in policy.users(one)}
    known = {id for user in users for in_team, id in _chat_users(user) if in_team == team}
    may = [id for id in sorted(known) if f"chat:{team}/{id}" != actor and _holds(team, id, role)]
    return may[:MOST]


def _chat_users(user: User) -> Iterator[tuple[str, str]]:
    if CHAT_USER.fullmatch(user):
        team, _, id = user.partition("/")
        yield team, id
        return
    account = accounts.with_email(user)
    for person in chat_people.of(account.id) if account is not None else ():
        yield person.team, person.user_id


def _holds(team: str, user: str, role: str) -> bool:
    caller = people.asker(team, user).caller
    return caller is not None and catalogue.current().policy.holds(caller, role)
