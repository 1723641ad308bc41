"""Which account a chat user is, and links on their way by which somebody says so."""

from peewee import CompositeKey, DoubleField, TextField

from pillar_service.store.database import Table


class ChatPerson(Table):
    """A chat user (team and user id) who has shown, signed in, which account is theirs."""

    team = TextField()
    user_id = TextField()
    account = TextField()
    at = DoubleField()

    class Meta:
        table_name = "chat_person"
        primary_key = CompositeKey("team", "user_id")


class ChatLink(Table):
    """A link that was given to a chat user; ``id`` is the hash of its token."""

    id = TextField(primary_key=True)
    team = TextField()
    user_id = TextField()
    created_at = DoubleField()
    expires_at = DoubleField()

    class Meta:
        table_name = "chat_link"


def account(team: str, user: str) -> str | None:
    """The account that a chat user is."""
    found = ChatPerson.get_or_none((ChatPerson.team == team) & (ChatPerson.user_id == user))
    return None if found is None else str(found.account)


def of(account: str) -> list[ChatPerson]:
    """The chat users that are this account."""
    return list(ChatPerson.select().where(ChatPerson.account == account).order_by(ChatPerson.team, ChatPerson.user_id))


def put(team: str, user: str, account: str, now: float) -> None:
    """A chat user is this account from now on."""
    forget(team, user)
    ChatPerson.create(team=team, user_id=user, account=account, at=now)


def forget(team: str, user: str) -> bool:
    """A chat user is no account any more; False when they were none."""
    mine = (ChatPerson.team == team) & (ChatPerson.user_id == user)
    return bool(ChatPerson.delete().where(mine).execute() == 1)


def forget_all(account: str) -> None:
    """No chat user is that account any more."""
    ChatPerson.delete().where(ChatPerson.account == account).execute()


def add_link(id: str, team: str, user: str, now: float, expires_at: float) -> None:
    """Write down a link, and forget those whose time has passed."""
    ChatLink.delete().where(ChatLink.expires_at < now).execute()
    ChatLink.create(id=id, team=team, user_id=user, created_at=now, expires_at=expires_at)


def find_link(id: str, now: float) -> ChatLink | None:
    """The link with that hash, while it is good."""
    return ChatLink.get_or_none((ChatLink.id == id) & (ChatLink.expires_at >= now))


def use_link(id: str) -> bool:
    """Use a link up; False when it was used before."""
    return bool(ChatLink.delete().where(ChatLink.id == id).execute() == 1)
