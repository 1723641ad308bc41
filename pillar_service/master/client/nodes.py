"""Nodes, their labels and bots, enrolment tokens and bundles."""

from collections.abc import Mapping
from typing import Any

from pillar_service.master.client.asking import Asking, segment


class Nodes(Asking):
    """The client's part for nodes."""

    def nodes(self) -> list[dict[str, Any]]:
        """All nodes."""
        return self._json("GET", "/nodes")["nodes"]

    def label(self, node: str, labels: Mapping[str, str]) -> dict[str, Any]:
        """Replaces a node's labels; returns the node."""
        return self._json("PATCH", f"/nodes/{segment(node)}", {"labels": dict(labels)})["node"]

    def share(self, node: str, sharing: str, emails: list[str]) -> dict[str, Any]:
        """Sets whose bots a node takes (own, named, all); returns the node."""
        told = {"sharing": sharing, "emails": emails}
        return self._json("PUT", f"/nodes/{segment(node)}/sharing", told)["node"]

    def limit(self, node: str, most: object) -> dict[str, Any]:
        """Sets how many bots a node has at most (None: as many as it can carry); returns the node."""
        return self._json("PUT", f"/nodes/{segment(node)}/limit", {"bots_most": most})["node"]

    def draining(self, node: str) -> dict[str, Any]:
        """How far a node is drained: its moves, and the bots that are left."""
        return self._json("GET", f"/nodes/{segment(node)}/draining")["draining"]

    def drain(self, node: str) -> dict[str, Any]:
        """Moves a node's bots to other nodes; returns how far that is."""
        return self._json("PUT", f"/nodes/{segment(node)}/draining", {})["draining"]

    def undrain(self, node: str) -> dict[str, Any]:
        """Lets a node take new bots again; returns how far its draining is."""
        return self._json("DELETE", f"/nodes/{segment(node)}/draining")["draining"]

    def lose(self, node: str, anyway: bool) -> dict[str, Any]:
        """Declares a node lost; returns the node."""
        return dict(self._json("PUT", f"/nodes/{segment(node)}/lost", {"anyway": anyway})["node"])

    def revoke(self, node: str) -> dict[str, Any]:
        """Cuts a node off; returns the node."""
        return self._json("POST", f"/nodes/{segment(node)}/revoke", {})["node"]

    def forget_node(self, node: str) -> dict[str, Any]:
        """Forgets a node that is cut off; returns the node as it was."""
        return dict(self._json("DELETE", f"/nodes/{segment(node)}")["node"])

    def rotate(self, node: str) -> dict[str, Any]:
        """Makes a node rotate its key; returns the job."""
        return self._json("POST", f"/nodes/{segment(node)}/rotate", {})["job"]

    def facts(self, node: str) -> dict[str, Any]:
        """A node's facts, and their changes."""
        return self._json("GET", f"/facts/{segment(node)}")

    def enrolment_token(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Makes an enrolment token; returns it with its secret."""
        return self._json("POST", "/enrolment-tokens", told)["token"]

    def enrolment_tokens(self) -> list[dict[str, Any]]:
        """The newest enrolment tokens."""
        return self._json("GET", "/enrolment-tokens")["tokens"]

    def revoke_enrolment_token(self, token: str) -> None:
        """Revokes an enrolment token."""
        self._json("POST", f"/enrolment-tokens/{segment(token)}/revoke", {})

    def publish(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Signs a bundle for nodes (files, account, allow, deny, facts, days); returns it."""
        return dict(self._json("POST", "/bundles", told)["bundle"])

    def bundles(self) -> list[dict[str, Any]]:
        """The bundles that nodes may still take, newest first."""
        return list(self._json("GET", "/bundles")["bundles"])
