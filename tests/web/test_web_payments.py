import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from days import days_pass
from fake_stripe import FakeStripe, sent
from flask.testing import FlaskClient
from pouring import OWNER, owner
from visiting import csrf, sign_in
from werkzeug.serving import make_server

from pillar_service.store.database import transaction
from pillar_service.store.payments import payments as rows
from pillar_service.usecases.payments import payments
from pillar_service.usecases.service import storage

DAY = 86_400.0


@pytest.fixture
def person(service: Callable[[], None]) -> str:
    return owner()


@pytest.fixture
def stripe(public_app: Any, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    """A fake Stripe that sends its events to the public app over a real connection."""
    fake = FakeStripe()
    for name, value in fake.settings().items():
        monkeypatch.setenv(name, value)
    service()
    server = make_server("127.0.0.1", 0, public_app)
    fake.webhook = f"http://127.0.0.1:{server.server_port}/payments/stripe"

    def serve() -> None:
        server.serve_forever(0.02)
        storage.release()

    thread = threading.Thread(target=serve)
    thread.start()
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()
    fake.stop()


@pytest.fixture
def signed_in(visitor: FlaskClient, person: str) -> FlaskClient:
    assert sign_in(visitor).status_code == 302
    return visitor


def press(visitor: FlaskClient, path: str) -> Any:
    return visitor.post(path, data={"csrf_token": csrf(visitor.get("/payment"))})


def way_out(page: Any) -> str:
    """The address that a page leads to by itself."""
    assert page.status_code == 200
    [address] = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert f'href="{address}"' in page.text, "who does not go on by itself needs a link"
    return str(address)


def test_by_hand_the_page_says_how_one_stands(signed_in: FlaskClient, person: str) -> None:
    page = signed_in.get("/payment")
    assert page.status_code == 200
    for said in ("#trial", "$5 a month", "by hand", "None so far"):
        assert said in page.text
    assert press(signed_in, "/sign-out").status_code == 302
    for path in ("/payment", "/payment/thanks", "/payment/cancelled"):
        assert signed_in.get(path).headers["Location"].startswith("/sign-in")


def test_a_person_pays_and_cancels(stripe: FakeStripe, signed_in: FlaskClient, person: str) -> None:
    with transaction():
        rows.change(person, trial_ends=time.time() - 10)
    assert "#past due" in signed_in.get("/payment").text
    assert signed_in.post("/payment/pay").status_code == 400, "without the form's token"
    pay = way_out(press(signed_in, "/payment/pay"))
    assert b"Pay $5" in urlopen(pay).read()
    with pytest.raises(Exception, match=r"cellar\.test|urlopen"):
        urlopen(pay, b"pay=1")  # It redirects to the place's own address, which does not exist in this test.
    page = signed_in.get("/payment/thanks")
    assert "Your payments are set up" in page.text
    assert "#paid" in page.text
    assert press(signed_in, "/payment/pay").status_code == 409
    portal = way_out(press(signed_in, "/payment/manage"))
    with pytest.raises(Exception, match=r"cellar\.test|urlopen"):
        urlopen(portal, b"cancel=1")
    assert "You cancelled" in signed_in.get("/payment").text


def test_what_stripe_sends_counts_without_anybody_looking(stripe: FakeStripe, person: str) -> None:
    payments.checkout(person)
    stripe.books.complete(next(iter(stripe.books.sessions)))
    stripe.books.advance(time.time() + 50 * DAY)
    assert payments.show(person, time.time() + 40 * DAY)["state"] == "active"
    assert [one["kind"] for one in payments.show(person)["payments"]] == ["paid", "paid"]
    assert {stripe.send(event) for event in stripe.events} == {200}


def test_turning_back_pays_nothing(stripe: FakeStripe, signed_in: FlaskClient, person: str) -> None:
    assert "nothing was paid" in signed_in.get("/payment/cancelled").text
    assert "has not reached us yet" in signed_in.get("/payment/thanks").text


def test_a_suspended_person_sees_what_to_do(signed_in: FlaskClient, person: str) -> None:
    with transaction():
        rows.change(person, trial_ends=time.time() - 30 * DAY)
    payments.run_due(time.time() - 20 * DAY)
    days_pass(time.time())
    page = signed_in.get("/payment")
    assert 'role="alert"' in page.text
    assert "Your bots are stopped" in page.text
    assert "is kept until" in page.text


def test_a_webhook_is_refused_or_taken_as_it_should(stripe: FakeStripe, visitor: FlaskClient, person: str) -> None:
    event = {"id": "evt_x", "object": "event", "type": "invoice.paid", "created": 1, "data": {"object": {}}}
    assert stripe.send(event, secret="whsec_forged") == 400
    assert stripe.send(event, at=time.time() - 400) == 400
    assert stripe.send(event | {"type": "what.is.this"}) == 200
    payload, signature = sent(event)
    forged = visitor.post("/payments/stripe", data=payload)
    assert (forged.status_code, forged.mimetype) == (400, "application/problem+json")
    large = visitor.post("/payments/stripe", data=b" " * (600 << 10), headers={"Stripe-Signature": signature})
    assert (large.status_code, large.mimetype) == (413, "application/problem+json")
    payments.checkout(person)
    stripe.is_away = True
    customer = next(iter(stripe.books.customers))
    again = event | {"id": "evt_y", "data": {"object": {"customer": customer}}}
    assert stripe.send(again) == 503
    stripe.is_away = False
    assert stripe.send(again) == 200


def test_operators_see_mark_and_settle(master: FlaskClient, person: str) -> None:
    [told] = master.get("/payments").json["payments"]
    assert (told["email"], told["state"], told["account"]) == (OWNER, "trial", person)
    for _ in range(2):
        marked = master.post(f"/payments/{OWNER}", json={"months": 2}, headers={"Idempotency-Key": "1"})
        assert marked.json["payment"]["state"] == "active"
    assert len(master.get(f"/payments/{person}").json["payment"]["payments"]) == 1
    [paid] = master.get(f"/payments/{person}").json["payment"]["payments"]
    for _ in range(2):
        back = master.delete(f"/payments/{OWNER}/{paid['id']}")
        assert back.json["payment"]["state"] == "trial"
    assert master.delete(f"/payments/{OWNER}/x").status_code == 404
    assert master.post("/payments/run", json={}).json == {"accounts": 1, "steps": [], "failures": []}
    for path, body, status in (
        (f"/payments/{OWNER}", {"months": 0}, 422),
        (f"/payments/{OWNER}", {"weeks": 1}, 422),
        ("/payments/nobody@example.org", {"months": 1}, 404),
    ):
        assert master.post(path, json=body).status_code == status
    assert master.get("/payments/run").status_code == 404
