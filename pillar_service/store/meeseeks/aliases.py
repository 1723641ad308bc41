"""Aliases: names that chat users gave to command lines."""

from peewee import CompositeKey, DoubleField, TextField

from pillar_service.store.database import Table


class ChatAlias(Table):
    """One actor's name for a line."""

    actor = TextField()
    name = TextField()
    line = TextField()
    at = DoubleField()

    class Meta:
        table_name = "chat_alias"
        primary_key = CompositeKey("actor", "name")


def of(actor: str) -> list[ChatAlias]:
    """An actor's aliases, by name."""
    return list(ChatAlias.select().where(ChatAlias.actor == actor).order_by(ChatAlias.name))


def line(actor: str, name: str) -> str | None:
    """The line that an actor gave this name to."""
    found = ChatAlias.get_or_none((ChatAlias.actor == actor) & (ChatAlias.name == name))
    return None if found is None else str(found.line)


def put(actor: str, name: str, line: str, now: float) -> None:
    """Set an actor's alias for a line, and replace one of the same name."""
    forget(actor, name)
    ChatAlias.create(actor=actor, name=name, line=line, at=now)


def forget(actor: str, name: str) -> bool:
    """Forget an alias; False when there was none."""
    return bool(ChatAlias.delete().where((ChatAlias.actor == actor) & (ChatAlias.name == name)).execute() == 1)


def forget_of(actors: list[str]) -> None:
    """Forget every alias of these actors."""
    ChatAlias.delete().where(ChatAlias.actor.in_(actors)).execute()
