"""A fake of Scaleway's Instance API at the wire, as far as libcloud's driver and ours use it.

It is stricter than the real one: every field and parameter must be known, and nothing may be deleted twice.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from answering import Standing

ORGANIZATION = "11111111-2222-3333-4444-555555555555"
SECRET = "scw-secret-only-for-tests-5f0b6b0e"
ZONE = "fr-par-1"
IMAGE = "debian-bookworm-id"
GB = 1000**3
AT = "2026-11-28T10:00:00.000000+00:00"

NEW_SERVER = {"name", "organization", "image", "volumes", "commercial_type", "tags"}
NEW_VOLUME = {"name", "organization", "volume_type", "size"}

Answer = tuple[int, Any]


class Refused(Exception):
    """An answer of 400 or more, in Scaleway's format."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = {"type": "error", "message": message}


class FakeScaleway(Standing):
    """The server, on a port of its own. In ``before`` and ``after`` a test may let a request fail: with Refused, or with
    ConnectionAbortedError, which sends no answer.
    """

    def __init__(self) -> None:
        self.servers: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.user_data: dict[str, str] = {}
        self.asked: list[str] = []
        self.deleted: list[str] = []
        self.quota, self.keeps_volumes, self.key = 10, False, SECRET
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None
        self.lock = threading.RLock()
        super().__init__(_Handler)

    def settings(self) -> dict[str, str]:
        """Settings with which the service uses it."""
        told = {"CLOUD": "scaleway", "CLOUD_KEY": ORGANIZATION, "CLOUD_SECRET": SECRET, "CLOUD_URL": self.url}
        told |= {"CLOUD_ZONE": ZONE, "CLOUD_SIZE": "DEV1-S", "CLOUD_IMAGE": IMAGE}
        return {f"CELLAR_{name}": value for name, value in told.items()}

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes, headers: Any) -> Answer:
        """Answer a request, or raise Refused."""
        if headers.get("X-Auth-Token") != self.key:
            raise Refused(401, f"The token {headers.get('X-Auth-Token')} is not valid")
        start = f"/instance/v1/zones/{ZONE}/"
        if not path.startswith(start):
            raise Refused(404, f"unknown zone or service: {path}")
        words = path.removeprefix(start).split("/")
        if "user_data" in words:
            return self._user_data(method, words, body, headers)
        if headers.get("Content-Type") != "application/json":
            raise Refused(415, "Send JSON")
        told = json.loads(body) if body else {}
        name = "_".join(["", method.lower(), words[0], *words[2:]]) + ("_one" if len(words) > 1 else "")
        route = getattr(self, name, None)
        if route is None:
            raise Refused(404, f"no such address: {method} {path}")
        return route(words[1], told) if len(words) > 1 and method != "GET" else route(words[-1], query or told)

    # --- what is on offer ---

    def _get_products_one(self, _: str, query: dict[str, str]) -> Answer:
        check(query, {"per_page", "page"})
        types = {"DEV1-S": (0, 40), "PLAY2-NANO": (0, 0)}
        told = {} if query.get("page", "1") != "1" else {name: _product(*bounds) for name, bounds in types.items()}
        return 200, {"servers": told}

    def _get_images_one(self, id: str, _: Any) -> Answer:
        if id != IMAGE:
            raise Refused(404, f'"{id}" not found')
        root = {"size": 10 * GB, "id": "r", "name": "root", "volume_type": "l_ssd"}
        told = {"id": id, "name": "Debian Bookworm", "arch": "x86_64", "organization": "s", "root_volume": root}
        return 200, {"image": told | {"creation_date": AT, "modification_date": AT}}

    # --- servers ---

    def _get_servers(self, _: str, query: dict[str, str]) -> Answer:
        check(query, {"name", "per_page"})
        for server in self.servers.values():
            if server["state"] == "starting" and server["_until"] <= time.monotonic():
                server["state"] = "running"
        found = [public(one) for one in self.servers.values() if query["name"] in one["name"]]
        self.servers = {id: one for id, one in self.servers.items() if one["state"] != "stopping"}
        return 200, {"servers": found[: int(query["per_page"])]}

    def _post_servers(self, _: str, told: dict[str, Any]) -> Answer:
        check(told, NEW_SERVER, whole=True)
        if len(self.servers) >= self.quota:
            raise Refused(403, "Quota exceeded for this resource.")
        if told["organization"] != ORGANIZATION or told["image"] != IMAGE or told["commercial_type"] != "DEV1-S":
            raise Refused(400, "validation error")
        root = self._new_volume(f"{told['name']}-root?", 10)
        kept = {"name": told["name"], "tags": told["tags"], "organization": ORGANIZATION, "arch": "x86_64"}
        volumes = {"0": {"id": root["id"], "name": root["name"]}}
        made = kept | {"id": secrets.token_hex(8), "state": "stopped", "public_ip": None, "private_ip": None}
        made |= {"location": None, "volumes": volumes, "creation_date": AT}
        root["server"] = made["id"]
        self.servers[made["id"]] = made
        return 201, {"server": public(made)}

    def _patch_servers_one(self, id: str, told: dict[str, Any]) -> Answer:
        check(told, {"volumes", "dynamic_ip_required"})
        server = self._server_of(id)
        for slot, one in told["volumes"].items():
            check(one, {"id", "name"}, whole=True)
            volume = self.volumes.get(one["id"])
            if volume is None or volume["server"] not in (None, id) or (slot == "0") != ("root" in volume["_kind"]):
                raise Refused(400, f"volume {one['id']} can't be attached")
            volume["server"] = id
        server["volumes"] = told["volumes"]
        server["public_ip"] = {"address": "192.0.2.44"} if told["dynamic_ip_required"] else None
        return 200, {"server": public(server)}

    def _user_data(self, method: str, words: list[str], body: bytes, headers: Any) -> Answer:
        if (method, words[2:]) != ("PATCH", ["user_data", "cloud-init"]) or headers["Content-Type"] != "text/plain":
            raise Refused(400, "Send cloud-init as plain text")
        self.user_data[self._server_of(words[1])["id"]] = body.decode()
        return 204, None

    def _post_servers_action_one(self, id: str, told: dict[str, Any]) -> Answer:
        check(told, {"action"}, whole=True)
        server = self._server_of(id)
        needed = {"poweron": "stopped", "terminate": "running"}.get(told["action"])
        if server["state"] != needed:
            raise Refused(400, f"server should be {needed}, not {server['state']}")
        if needed == "stopped":
            server |= {"state": "starting", "_until": 0.0}
        else:
            server["state"] = "stopping"
            self.deleted.append(id)
            self._without(id)
        return 202, {"task": {"id": secrets.token_hex(4)}}

    def _delete_servers_one(self, id: str, _: Any) -> Answer:
        if self._server_of(id)["state"] != "stopped":
            raise Refused(400, "server should be stopped")
        del self.servers[id]
        self.deleted.append(id)
        for volume in self.volumes.values():
            volume["server"] = None if volume["server"] == id else volume["server"]
        return 204, None

    def _server_of(self, id: str) -> dict[str, Any]:
        if id not in self.servers:
            raise Refused(404, f'"{id}" not found')
        return self.servers[id]

    def _without(self, server: str) -> None:
        for id, volume in list(self.volumes.items()):
            if volume["server"] == server and (volume["_kind"] == "root" or not self.keeps_volumes):
                del self.volumes[id]
            elif volume["server"] == server:
                volume["server"] = None

    # --- volumes ---

    def _new_volume(self, name: str, size: int) -> dict[str, Any]:
        kept = {"name": name.rstrip("?"), "size": size * GB, "organization": ORGANIZATION, "volume_type": "l_ssd"}
        made = kept | {"id": secrets.token_hex(8), "server": None, "creation_date": AT, "modification_date": AT}
        made["_kind"] = "root" if name.endswith("?") else "more"
        self.volumes[made["id"]] = made
        return made

    def _get_volumes(self, _: str, query: dict[str, str]) -> Answer:
        check(query, {"name", "per_page"})
        return 200, {"volumes": [public(one) for one in self.volumes.values() if query["name"] in one["name"]]}

    def _post_volumes(self, _: str, told: dict[str, Any]) -> Answer:
        check(told, NEW_VOLUME, whole=True)
        return 201, {"volume": public(self._new_volume(told["name"], told["size"] // GB))}

    def _patch_volumes_one(self, id: str, told: dict[str, Any]) -> Answer:
        check(told, {"name"}, whole=True)
        self.volumes[id]["name"] = told["name"]
        return 200, {"volume": public(self.volumes[id])}

    def _delete_volumes_one(self, id: str, _: Any) -> Answer:
        if id not in self.volumes:
            raise Refused(404, f'"{id}" not found')
        if self.volumes[id]["server"] is not None:
            raise Refused(400, "volume is attached")
        del self.volumes[id]
        self.deleted.append(id)
        return 204, None


def check(told: dict[str, Any], known: set[str], whole: bool = False) -> None:
    """Refuse unknown fields and, if ``whole``, missing ones."""
    if set(told) - known or (whole and known - set(told)):
        raise Refused(400, f"unknown or missing fields: {sorted(set(told) ^ known)}")


def public(one: dict[str, Any]) -> dict[str, Any]:
    """The object without the fields that only the fake knows."""
    return {key: value for key, value in one.items() if not key.startswith("_")}


def _product(least: int, most: int) -> dict[str, Any]:
    network = {"sum_internal_bandwidth": 10**8, "sum_internet_bandwidth": 10**8, "ipv6_support": True}
    told = {"ncpus": 2, "ram": 2 << 30, "arch": "x86_64", "baremetal": False, "alt_names": [], "network": network}
    prices = {"monthly_price": 9.9, "hourly_price": 0.01}
    return told | prices | {"volumes_constraint": {"min_size": least * GB, "max_size": most * GB}}


class _Handler(BaseHTTPRequestHandler):
    fake: FakeScaleway
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what = f"{self.command} {'/'.join(parts.path.split('/')[5:])}"
        try:
            with self.fake.lock:
                self.fake.asked.append(what)
                self.fake.before(what)
                told = self.fake.answer(self.command, parts.path, dict(parse_qsl(parts.query)), body, self.headers)
                self.fake.after(what)
            self._send(*told, {})
        except Refused as refused:
            self._send(refused.status, refused.body, refused.headers)
        except ConnectionAbortedError:
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815

    def _send(self, status: int, told: Any, headers: dict[str, str]) -> None:
        body = b"" if told is None else json.dumps(told).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
