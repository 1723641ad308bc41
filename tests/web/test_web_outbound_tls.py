"""The connection for events is encrypted with a certificate for the very name that was asked for, or not used."""

import datetime
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fake_hook import FakeHook

from pillar_service.core.errors import Failed
from pillar_service.web import outbound

HOST = "hooks.example.org"
TYPE = {"Content-Type": "application/cloudevents-batch+json"}


def post(url: str, timeout_s: float = 5.0) -> outbound.Answer:
    return outbound.post(url, TYPE, b"[]", timeout_s)


def certificate(folder: Path, name: str) -> Path:
    """A file with a key and a self-signed certificate."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize(("name", "is_good"), [(HOST, True), ("other.example.org", False)])
def test_the_certificate_must_be_the_names(
    here: Callable[[str], None],
    names: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    is_good: bool,
) -> None:
    here("127.0.0.1/32")
    names(["127.0.0.1"])
    file = certificate(tmp_path, name)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with FakeHook(certificate=file) as hook:
        url = f"https://{HOST}:{hook.port}/hook?a=1"
        if is_good:
            assert post(url).status == 200
        else:
            with pytest.raises(Failed, match="certificate"):
                post(url)
            assert hook.asked == []


def test_a_certificate_that_nobody_trusts_is_refused(
    here: Callable[[str], None], names: Callable[..., list[str]], tmp_path: Path
) -> None:
    here("127.0.0.1/32")
    names(["127.0.0.1"])
    with FakeHook(certificate=certificate(tmp_path, HOST)) as hook, pytest.raises(Failed, match="certificate"):
        post(f"https://{HOST}:{hook.port}/")


def drip(server: socket.socket, over: threading.Event) -> None:
    """Begin a handshake that then goes on byte by byte."""
    line, _ = server.accept()
    with line, suppress(OSError):
        line.sendall(b"\x16\x03\x03\x40\x00")
        until = time.monotonic() + 20
        while time.monotonic() < until and not over.wait(0.05):
            line.sendall(b"\x02")


def test_a_handshake_that_never_ends_is_cut(here: Callable[[str], None], names: Callable[..., list[str]]) -> None:
    here("127.0.0.1/32")
    names(["127.0.0.1"])
    over, begun = threading.Event(), time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=(server, over), daemon=True).start()
        with pytest.raises(Failed, match=r"within 0\.3"):
            post(f"https://{HOST}:{server.getsockname()[1]}/", 0.3)
        over.set()
    assert time.monotonic() - begun < 15
