"""An account's configuration of its nodes. Accounts are given by id or e-mail address, or as `operators` for the place's own
nodes."""

from typing import Any
from urllib.parse import quote

from pillar_service.core import names
from pillar_service.master.client.asking import Asking, query, segment


class Configuration(Asking):
    """The client's part for configuration."""

    def configuration(self, account: str) -> dict[str, Any]:
        """All keys of an account with their values."""
        return self._json("GET", f"/configuration/{segment(account)}")

    def key(self, account: str, key: str) -> dict[str, Any]:
        """One key of an account's configuration."""
        return self._json("GET", _key(account, key))

    def set_key(self, account: str, key: str, value: Any, revision: object = None) -> dict[str, Any]:
        """Sets a key's value, if its revision is this one (0: it has none; None: in any case); returns the key."""
        return self._json("PUT", _key(account, key), {"value": value}, condition=_condition(revision))

    def delete_key(self, account: str, key: str, revision: object = None) -> None:
        """Deletes a key, if its revision is this one (None: in any case). Raises Invalid for what can't be a revision."""
        self._ask("DELETE", _key(account, key), _condition(revision), None)

    def configuration_changes(self, account: str, key: str | None) -> list[dict[str, Any]]:
        """The changes of an account's configuration, newest first, of one key if given."""
        path = f"/configuration-changes/{segment(account)}"
        return self._json("GET", path + query({"key": key} if key else {}))["changes"]

    def governors(self, account: str) -> list[dict[str, Any]]:
        """The governors of an account, with their holders."""
        return self._json("GET", f"/governors/{segment(account)}")["governors"]


def _key(account: str, key: str) -> str:
    return f"/configuration/{segment(account)}/{quote(key, safe='/')}"


def _condition(revision: object) -> dict[str, str]:
    if revision is None:
        return {}
    number = names.whole_number(revision, "revision", 0, 1 << 53)
    return {"If-Match": f'"{number}"'} if number else {"If-None-Match": "*"}
