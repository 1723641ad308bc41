"""The page on which to try the API."""

import html
import json
import re

from flask.testing import FlaskClient
from pouring import poured


def test_the_page_to_try_it_shows_every_operation_and_loads_nothing_from_elsewhere(visitor: FlaskClient) -> None:
    page = visitor.get("/api")
    told = visitor.get("/openapi.json").json
    operations = [operation for methods in told["paths"].values() for operation in methods.values()]
    assert len(operations) >= 20
    for operation in operations:
        assert f'id="{operation["operationId"]}"' in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert re.findall(r'<(?!a )[^>]*(?:src|href)="(?!/|#)[^"]*"', page.text) == []
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", page.text)
    assert len(page.data) < 100_000
    script = visitor.get("/static/api.js")
    assert script.status_code == 200
    assert "innerHTML" not in script.text


FILLED = re.compile(r'<form class="try" data-method="(\w+)" data-path="([^"]+)".*?</form>', re.S)

BODY = re.compile(r"<textarea[^>]*>(.*?)</textarea>", re.S)


def test_each_body_on_the_page_to_try_it_can_be_sent_as_it_stands(api: FlaskClient) -> None:
    poured()
    ids = {"id": "my", "action": "restart", "key": "mood"}
    shown = {(found[1], found[2]): BODY.search(found[0]) for found in FILLED.finditer(api.get("/api").text)}
    bodies = {how: json.loads(html.unescape(body[1])) for how, body in shown.items() if body}
    assert len(bodies) >= 14
    for (method, path), body in bodies.items():
        sent = {name: value for name, value in body.items() if value is not None}  # as static/api.js does
        answered = api.open(re.sub(r"\{(\w+)\}", lambda name: ids[name[1]], path), method=method, json=sent)
        assert answered.status_code not in (400, 415, 422), (method, path, answered.text)
        assert answered.status_code < 500, (method, path, answered.text)


def test_a_body_that_is_a_file_is_chosen_as_one(visitor: FlaskClient) -> None:
    page = visitor.get("/api").text
    [form] = [found[0] for found in FILLED.finditer(page) if found[2] == "/imports"]
    assert re.search(r'<input type="file"[^>]* data-in="file" data-type="application/x-tar" required>', form)
    assert page.count('data-in="file"') == 1
