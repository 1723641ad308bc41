"""Which account each chat user has, and the links by which chat users prove it."""

from peewee import CompositeKey, DoubleField, TextField

from pillar_service.store.database import Table


class ChatPerson(Table):
    """A chat user (team and user id) who has proved, by signing in, which account is theirs."""

    team = TextField()
    user_id = TextField()
    account = TextField()
    at = DoubleField()

    class Meta:
        table_name = "chat_person"
        primary_key = CompositeKey("team", "user_id")


class ChatLink(Table):
    """A link given to a chat user; ``id`` is the hash of its token."""

    id = TextField(primary_key=True)
    team = TextField()
    user_id = TextField()
    created_at = DoubleField()
    expires_at = DoubleField()

    class Meta:
        table_name = "chat_link"


def account(team: str, user: str) -> str | None:
    """The id of a chat user's account."""
    found = ChatPerson.get_or_none((ChatPerson.team == team) & (ChatPerson.user_id == user))
    return None if found is None else str(found.account)


def of(account: str) -> list[ChatPerson]:
    """The chat users with this account."""
    return list(ChatPerson.select().where(ChatPerson.account == account).order_by(ChatPerson.team, ChatPerson.user_id))


def put(team: str, user: str, account: str, now: float) -> None:
    """Record that this account is a chat user's."""
    forget(team, user)
    ChatPerson.create(team=team, user_id=user, account=account, at=now)


def forget(team: str, user: str) -> bool:
    """Forget a chat user's account; False when they had none."""
    mine = (ChatPerson.team == team) & (ChatPerson.user_id == user)
    return bool(ChatPerson.delete().where(mine).execute() == 1)


def forget_all(account: str) -> None:
    """Forget all chat users with that account."""
    ChatPerson.delete().where(ChatPerson.account == account).execute()


def add_link(id: str, team: str, user: str, now: float, expires_at: float) -> None:
    """Add a link, and forget those that have expired."""
    ChatLink.delete().where(ChatLink.expires_at < now).execute()
    ChatLink.create(id=id, team=team, user_id=user, created_at=now, expires_at=expires_at)


def find_link(id: str, now: float) -> ChatLink | None:
    """The link with that hash, unless it has expired."""
    return ChatLink.get_or_none((ChatLink.id == id) & (ChatLink.expires_at >= now))


def use_link(id: str) -> bool:
    """Use a link up; False when it was used before."""
    return bool(ChatLink.delete().where(ChatLink.id == id).execute() == 1)
