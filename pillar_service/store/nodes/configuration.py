"""Configuration of accounts: current values, and the history of changes. Values are JSON texts."""

from peewee import BigIntegerField, CompositeKey, DoubleField, TextField, fn

from pillar_service.store import plain
from pillar_service.store.database import Table


class Configuration(Table):
    """A key's current value."""

    account = TextField()
    key = TextField()
    value = TextField()
    revision = BigIntegerField()
    actor = TextField()
    at = DoubleField()

    class Meta:
        primary_key = CompositeKey("account", "key")


class ConfigurationChange(Table):
    """One change; a ``value`` of None means that the key was deleted."""

    account = TextField()
    revision = BigIntegerField()
    key = TextField()
    value = TextField(null=True)
    actor = TextField()
    at = DoubleField()

    class Meta:
        primary_key = CompositeKey("account", "revision")


def find(account: str, key: str) -> Configuration | None:
    """The current value of a key."""
    return plain.first(Configuration, "WHERE account = ? AND key = ?", account, key)


def listed(account: str) -> list[Configuration]:
    """All current values of an account, by key."""
    return plain.found(Configuration, "WHERE account = ? ORDER BY key", account)


def revision(account: str) -> int:
    """The revision of an account's last change; 0 before the first."""
    newest = ConfigurationChange.select(fn.MAX(ConfigurationChange.revision))
    return int(newest.where(ConfigurationChange.account == account).scalar() or 0)


def write(account: str, key: str, value: str | None, revision: int, actor: str, at: float) -> None:
    """Set a key's value, or (None) delete the key, and record the change."""
    columns = {"revision": revision, "actor": actor, "at": at}
    ConfigurationChange.create(account=account, key=key, value=value, **columns)
    forget(account, key)
    if value is not None:
        Configuration.create(account=account, key=key, value=value, **columns)


def forget(account: str, key: str) -> None:
    """Delete a key's current value; its changes stay."""
    Configuration.delete().where((Configuration.account == account) & (Configuration.key == key)).execute()


def changes(account: str, key: str | None, before: int | None, limit: int) -> list[ConfigurationChange]:
    """An account's changes, newest first: of one key, if given, and from before a revision, if given."""
    wanted = ConfigurationChange.account == account
    if key is not None:
        wanted &= ConfigurationChange.key == key
    if before is not None:
        wanted &= ConfigurationChange.revision < before
    rows = ConfigurationChange.select().where(wanted)
    return list(rows.order_by(ConfigurationChange.revision.desc()).limit(limit))


def changed_since(account: str, at: float) -> int:
    """How many changes an account made since ``at`` (Unix seconds)."""
    of = ConfigurationChange.account == account
    return ConfigurationChange.select().where(of & (ConfigurationChange.at > at)).count()


def prune(account: str, until: int) -> None:
    """Delete an account's changes up to a revision."""
    of = ConfigurationChange.account == account
    ConfigurationChange.delete().where(of & (ConfigurationChange.revision <= until)).execute()


def forget_all(account: str) -> None:
    """Delete all values of an account, and their history."""
    for table in (Configuration, ConfigurationChange):
        table.delete().where(table.account == account).execute()
