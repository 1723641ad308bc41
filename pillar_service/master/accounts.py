"""The client, with what concerns an account's nodes: its configuration, its governors, what they are."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from pillar_service.master.client import Client


class Accounts(Client):
    """The private app, as operators ask it about an account (its id or e-mail address; `operators`: the place's own nodes)."""

    def configuration(self, account: str) -> dict[str, Any]:
        """All keys of an account with their values."""
        return self._json("GET", f"/configuration/{_segment(account)}")

    def key(self, account: str, key: str) -> dict[str, Any]:
        """One key of an account's configuration."""
        return self._json("GET", _key(account, key))

    def set_key(self, account: str, key: str, value: Any, revision: int | None = None) -> dict[str, Any]:
        """Gives a key a value, if that revision stands (0: none does; None: whatever does); returns it."""
        return self._json("PUT", _key(account, key), {"value": value}, condition=_condition(revision))

    def delete_key(self, account: str, key: str, revision: int | None = None) -> None:
        """Takes a key away, if that revision stands."""
        self._ask("DELETE", _key(account, key), _condition(revision), None)

    def configuration_changes(self, account: str, key: str | None = None) -> list[dict[str, Any]]:
        """What was changed in an account's configuration, the newest first."""
        wanted = "?" + urlencode({"key": key}) if key else ""
        return self._json("GET", f"/configuration-changes/{_segment(account)}{wanted}")["changes"]

    def governors(self, account: str) -> list[dict[str, Any]]:
        """The governors of an account with who holds them."""
        return self._json("GET", f"/governors/{_segment(account)}")["governors"]

    def lose(self, node: str, anyway: bool) -> dict[str, Any]:
        """Declares a node lost; returns it."""
        return dict(self._json("PUT", f"/nodes/{_segment(node)}/lost", {"anyway": anyway})["node"])

    def restore(self, bot: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Brings a bot of a lost node to life on another: node, typed; returns it with its job."""
        return self._json("POST", f"/agents/{_segment(bot)}/restore", told)

    def facts(self, node: str) -> dict[str, Any]:
        """What a node told of itself, and what of it changed."""
        return self._json("GET", f"/facts/{_segment(node)}")

    def order_machine(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Orders a machine at a provider: name, account, labels, size, volume_gb; returns the order."""
        return dict(self._json("POST", "/machine-orders", told)["order"])

    def machine_orders(self) -> list[dict[str, Any]]:
        """Those that are not retired, then the newest that are."""
        return list(self._json("GET", "/machine-orders")["orders"])

    def machine_order(self, which: str) -> dict[str, Any]:
        """One order, by its id or its node's."""
        return dict(self._json("GET", f"/machine-orders/{_segment(which)}")["order"])

    def retire_machine(self, which: str, with_bots: object) -> dict[str, Any]:
        """Lets a machine go; returns the order."""
        return dict(self._json("POST", f"/machine-orders/{_segment(which)}/retire", {"with_bots": with_bots})["order"])

    def finish_machine(self, which: str) -> dict[str, Any]:
        """Goes on with an order that failed; returns it."""
        return dict(self._json("POST", f"/machine-orders/{_segment(which)}/finish", {})["order"])


def _segment(value: str) -> str:
    return quote(value, safe="@")


def _key(account: str, key: str) -> str:
    return f"/configuration/{_segment(account)}/{quote(key, safe='/')}"


def _condition(revision: int | None) -> dict[str, str]:
    if revision is None:
        return {}
    return {"If-Match": f'"{revision}"'} if revision else {"If-None-Match": "*"}
