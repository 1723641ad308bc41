"""Mail over a real SMTP server."""

import asyncio
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from ports import free_port

from pillar_service.core.people.mails import Letter
from pillar_service.store import database
from pillar_service.store.database import transaction
from pillar_service.store.people.mails import Mail
from pillar_service.usecases.people import mails
from pillar_service.web import posting

ROOT = Path(__file__).parent.parent.parent
LETTER = Letter("Héllo", "A link: https://cellar.test/reset/abc\n")


class Postbox:
    """The mails that the server accepts."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(0.02)
        if self.answer.startswith("250"):
            self.taken.append(envelope)
        return self.answer


@pytest.fixture
def box() -> Postbox:
    return Postbox()


@pytest.fixture
def port(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> int:
    """The port that mail is sent to; nothing listens there yet."""
    chosen = free_port()
    monkeypatch.setenv("CELLAR_MAIL", f"smtp://127.0.0.1:{chosen}")
    service()
    return chosen


@pytest.fixture
def listen(box: Postbox, port: int) -> Iterator[Callable[..., None]]:
    """Start the mail server."""
    started: list[Controller] = []

    def start(**more: Any) -> None:
        controller = Controller(box, hostname="127.0.0.1", port=port, **more)
        controller.start()
        started.append(controller)

    yield start
    for controller in started:
        controller.stop()


def post(recipient: str = "ann@example.org") -> None:
    with transaction():
        mails.post(recipient, LETTER)


def now() -> None:
    Mail.update(not_before=0).execute()


def test_a_mail_is_kept_while_the_server_is_away_and_delivered_once_later(
    box: Postbox, port: int, listen: Callable[..., None]
) -> None:
    post()
    assert posting.deliver()
    [row] = Mail.select()
    assert (row.state, row.attempts) == ("queued", 1)
    assert "refused" in row.error
    assert not posting.deliver()
    listen()
    now()
    assert posting.deliver()
    assert not posting.deliver()
    [taken] = box.taken
    assert (taken.mail_from, taken.rcpt_tos) == ("post@butt.nz", ["ann@example.org"])
    assert b"https://cellar.test/reset/abc" in (taken.content or b"")
    [row] = Mail.select()
    assert (row.state, row.text) == ("sent", "")
    assert f"Message-ID: <{row.id}@butt.nz>".encode() in (taken.content or b"")


def test_two_postmen_deliver_each_mail_once(box: Postbox, listen: Callable[..., None]) -> None:
    listen()
    for n in range(10):
        post(f"a{n}@example.org")
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        while Mail.select().where(Mail.state == "queued").exists():
            posting.deliver()
        database.release()

    both = [threading.Thread(target=work) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(60)
    assert sorted(taken.rcpt_tos[0] for taken in box.taken) == [f"a{n}@example.org" for n in range(10)]


@pytest.mark.parametrize(("answer", "state"), [("451 later", "queued"), ("554 never", "given_up")])
def test_a_no_for_now_is_tried_again_and_a_no_for_good_is_not(
    box: Postbox, listen: Callable[..., None], answer: str, state: str
) -> None:
    listen()
    box.answer = answer
    post()
    posting.deliver()
    [row] = Mail.select()
    assert row.state == state
    assert answer.split()[1] in row.error


def test_an_address_that_could_be_read_as_two_goes_to_nobody_else(box: Postbox, listen: Callable[..., None]) -> None:
    listen()
    for wild in ("a,b@example.org", "x@y <b@example.org", "ü@example.org"):
        post(wild)
        posting.deliver()
    assert box.taken == []
    assert {(row.state, row.text) for row in Mail.select()} == {("given_up", "")}


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # there is no TLS on loopback
def test_with_a_password_it_signs_in(
    box: Postbox, port: int, listen: Callable[..., None], service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    def authenticate(server: object, session: object, envelope: object, mechanism: str, data: Any) -> AuthResult:
        given.append((data.login, data.password))
        return AuthResult(success=True)

    listen(authenticator=authenticate, auth_required=True, auth_require_tls=False)
    monkeypatch.setenv("CELLAR_MAIL", f"smtp://post:p%40ss@127.0.0.1:{port}")
    service()
    post()
    posting.deliver()
    assert given == [(b"post", b"p@ss")]
    assert len(box.taken) == 1


def test_a_mailbox_file_is_for_its_owner_and_shows_the_newest_first(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "mail box"
    monkeypatch.setenv("CELLAR_MAIL", f"file://{tmp_path}/mail%20box")
    service()
    for name in ("ann", "ben"):
        post(f"{name}@example.org")
        posting.deliver()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = posting.kept(path)
    assert [mail["to"] for mail in shown] == ["ben@example.org", "ann@example.org"]
    assert shown[0]["text"].strip() == LETTER.text.strip()
    assert Mail.select().where(Mail.state == "sent").count() == 2


def test_the_server_of_the_public_app_delivers(url: str, environment: dict[str, str], tmp_path: Path) -> None:
    """With real gunicorn and several workers, a queued mail is soon in the mailbox, once."""
    port, path = free_port(), tmp_path / "mailbox"
    settings = {"CELLAR_DATABASE": url, "CELLAR_PUBLIC_PORT": str(port), "CELLAR_MAIL": f"file://{path}"}
    told = {**os.environ, **environment, **settings, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pillar_service.web", "serve", "public"]
    server = subprocess.Popen(command, env=told, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        database.connect(url)
        with transaction():
            Mail.create(
                id="0" * 16, recipient="ann@example.org", subject="Hello", text="Hello", state="queued",
                created_at=time.time(), not_before=0,
            )  # fmt: skip
        until = time.monotonic() + 30
        while Mail.get().state != "sent":
            assert time.monotonic() < until
            time.sleep(0.05)
        assert len(posting.kept(path)) == 1
    finally:
        server.terminate()
        server.wait(20)
        database.release()
