"""How long a certificate remains valid, as seen at a real TLS server."""

import datetime
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate(folder: Path, days: int) -> tuple[Path, Path]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
    made = made.not_valid_after(now + datetime.timedelta(days=days))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return pem, secret


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[str, Path]]:
    pem, secret = certificate(tmp_path, request.param)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                    with context.wrap_socket(connection, server_side=True) as secured:
                        secured.recv(1)
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://localhost:{listening.getsockname()[1]}", pem
        listening.shutdown(socket.SHUT_RDWR)


def ended(address: str, trusted: Path | None = None) -> int:
    environment = {"SSL_CERT_FILE": str(trusted)} if trusted else {}
    command = [sys.executable, "-m", "pillar_service.node.certificates", address]
    root = str(Path(__file__).parents[2])
    return subprocess.run(command, env={"PYTHONPATH": root, **environment}, capture_output=True, check=False).returncode


@pytest.mark.parametrize(("server", "code"), [(60, 0), (5, 10)], indirect=["server"])
def test_it_says_whether_it_ends_soon(server: tuple[str, Path], code: int) -> None:
    assert ended(*server) == code


@pytest.mark.parametrize("server", [60], indirect=True)
def test_one_that_nobody_trusts_is_as_bad(server: tuple[str, Path]) -> None:
    assert ended(server[0]) == 10


def test_an_address_without_one_is_well_and_nobody_is_away() -> None:
    assert ended("http://localhost:1") == ended("") == 0
    assert ended("https://127.0.0.1:1") == 11
