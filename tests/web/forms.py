"""The forms on a person's pages of bots, filled in and sent."""

import io
import re
from typing import Any

from flask.testing import FlaskClient
from visiting import PASSWORD

from pillar_service.usecases.jobs import claims, runs


def hidden(page: Any, name: str) -> str:
    """The value of a page's last hidden field of that name; earlier ones belong to the header's form."""
    found = re.findall(rf'name="{name}"[^>]*value="([^"]+)"', page.text)
    assert found, page.text
    return str(found[-1])


def fill(page: Any, **fields: Any) -> dict[str, Any]:
    """The fields of a page's last form, with its hidden ones."""
    return {"csrf_token": hidden(page, "csrf_token"), "key": hidden(page, "key"), **fields}


def pressing(page: Any, address: str) -> dict[str, str]:
    """What pressing the button with that address sends."""
    [form] = re.findall(rf'<form method="post" action="{address}">(.*?)</form>', page.text, re.S)
    return dict(re.findall(r'name="(\w+)" value="([^"]+)"', form))


def press(visitor: FlaskClient, page: Any, address: str, times: int = 1) -> Any:
    sent = pressing(page, address)
    return [visitor.post(address, data=sent) for _ in range(times)][-1]


def running() -> dict[str, Any]:
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    return run


def ask_export(visitor: FlaskClient, kind: str, password: str = "") -> Any:
    page = visitor.get("/bots/my/export")
    return visitor.post("/bots/my/export", data=fill(page, kind=kind, password=password))


def delete(visitor: FlaskClient, name: str = "my", password: str = PASSWORD) -> Any:
    return visitor.post("/bots/my/delete", data=fill(visitor.get("/bots/my/delete"), name=name, password=password))


def imported(visitor: FlaskClient, content: bytes, **fields: str) -> Any:
    form = fill(visitor.get("/bots/import"), **{"name": "again", **fields})
    return [visitor.post("/bots/import", data={**form, "tar": (io.BytesIO(content), "my.tar")}) for _ in range(2)]
