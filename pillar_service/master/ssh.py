"""Running a program as root on a machine, through the system's ssh client; if it can't, one sentence says why."""

import base64
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pillar_service.core.errors import Failed, Invalid, NotFound
from pillar_service.master import ssh_said
from pillar_service.master.programs import Show, ended

CONNECT_S = 10
UNCONNECTED = 255  # ssh's exit status when ssh itself failed
AS_ROOT = "cellar:root"

# A single quoted command, so that it works with whatever shell the user has there.
REMOTE = (
    'exec sh -c \'if [ "$(id -u)" = 0 ]; then exec sh -s; fi; '
    f"command -v sudo >/dev/null || {{ echo {ssh_said.NO_SUDO}; exit 1; }}; exec sudo -n sh -s'"
)

# These options override the user's ssh configuration, so nothing there can make an unknown host key a known one.
OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "NoHostAuthenticationForLocalhost": "no",
    "VerifyHostKeyDNS": "no",
    "UpdateHostKeys": "no",
    "ControlPath": "none",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ConnectTimeout": str(CONNECT_S),
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "4",
    "LogLevel": "ERROR",
}


def _nobody(_line: str) -> None:
    """Ignores the line."""


def _after_that(show: Show) -> Show:
    """Passes on only lines after the program has begun, without what the machine prints at every login."""
    began = False

    def heard(line: str) -> None:
        nonlocal began
        if began:
            show(line)
        began = began or line.strip() == AS_ROOT

    return heard


@dataclass(frozen=True)
class Machine:
    """A machine, and how to reach it.

    Its host key must be in the file ``known_hosts`` or have this ``fingerprint``; without either, it must be in the user's own
    files. Raises Invalid for wrong words, and NotFound for a file that is missing.
    """

    address: str
    user: str = "root"
    port: int = 22
    identity: str | None = None
    known_hosts: str | None = None
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        for what, word in (("machine", self.address), ("user", self.user)):
            if not word or word.startswith("-") or not word.isprintable() or set(word) & set(" ,'\"`$\\"):
                raise Invalid(f"{word!r:.60} is not a {what}'s name.")
        if not (isinstance(self.port, int) and 0 < self.port < 65536):
            raise Invalid(f"{self.port!r:.60} is not a port: a port is a number from 1 to 65535.")
        if self.fingerprint and not self.fingerprint.startswith("SHA256:"):
            raise Invalid("A fingerprint starts with SHA256:, as ssh-keygen -l shows it.")
        if self.known_hosts and self.fingerprint:
            raise Invalid("Give known_hosts or fingerprint, not both.")
        for file in (self.identity, self.known_hosts):
            if file and not Path(file).is_file():
                raise NotFound(f"There is no file {file} here.")

    def __str__(self) -> str:
        return f"{self.address} (port {self.port})"

    def run(self, program: str, seconds: float, show: Show = _nobody) -> tuple[int, str]:
        """Runs a program for sh there, as root; returns its exit status and its output. Each line is shown as it comes.

        The program goes in through standard input, so nothing of it is on a command line. Raises Failed.
        """
        with self._keys() as keys:
            command = ["ssh", "-T", "-p", str(self.port), "-l", self.user, *_options(OPTIONS | keys), *self._identity()]
            given = f"echo {AS_ROOT}\n{program}"
            code, told = ended([*command, "--", self.address, REMOTE], given, seconds, str(self), _after_that(show))
        before, began, said = told.partition(f"{AS_ROOT}\n")
        if not began:
            raise Failed(self._why(code, before))
        if code == UNCONNECTED:
            raise Failed(f"The connection to {self} broke off ({_last(said)}): run this again.")
        return code, said

    def _identity(self) -> list[str]:
        return ["-i", self.identity, *_options({"IdentitiesOnly": "yes"})] if self.identity else []

    @contextmanager
    def _keys(self) -> Iterator[dict[str, str]]:
        """The ssh options that say where known host keys are."""
        if self.known_hosts:
            yield _only(self.known_hosts)
        elif self.fingerprint:
            with tempfile.NamedTemporaryFile("w", prefix="saltcellar-", suffix=".known_hosts") as file:
                file.write(self._fitting(self.fingerprint))
                file.flush()
                yield _only(file.name)
        else:
            yield {}

    def _fitting(self, fingerprint: str) -> str:
        """The known_hosts line of the host key with that fingerprint; raises Failed when the machine shows only others.

        Empty when the machine does not answer: ssh will say why.
        """
        shown = self._shown()
        if shown and fingerprint not in shown:
            raise Failed(f"The host key of {self} is not {fingerprint} but {_named(shown)}: nothing was sent there.")
        return shown.get(fingerprint, "")

    def _shown(self) -> dict[str, str]:
        """The known_hosts lines of the host keys that the machine shows, by fingerprint, ed25519 first."""
        command = ["ssh-keyscan", "-T", str(CONNECT_S), "-p", str(self.port), "--", self.address]
        told = ended(command, "", 4 * CONNECT_S, str(self), _nobody)[1].splitlines()
        lines = sorted(told, key=lambda line: "ed25519" not in line)
        return {fingerprint_of(line): f"{line}\n" for line in lines if len(line.split()) == 3 and line[0] != "#"}

    def _why(self, code: int, said: str) -> str:
        """The sentence that says why the program did not begin."""
        sentence = ssh_said.unconnected(said) if code == UNCONNECTED else ssh_said.no_root(said)
        shown = self._shown() if "{keys}" in sentence else {}
        told = {"machine": self, "address": self.address, "user": self.user, "identity": self.identity}
        return sentence.format(**told, last=_last(said), keys=_named(shown), key=next(iter(shown), "SHA256:…"))


def fingerprint_of(line: str) -> str:
    """The fingerprint of a known_hosts line, as ssh-keygen -l prints it."""
    digest = hashlib.sha256(base64.b64decode(line.split()[2])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _named(shown: dict[str, str]) -> str:
    return ", ".join(f"{one} ({line.split()[1]})" for one, line in shown.items()) or "it shows none"


def _only(file: str) -> dict[str, str]:
    return {"UserKnownHostsFile": f'"{file}"', "GlobalKnownHostsFile": "/dev/null", "KnownHostsCommand": "none"}


def _options(options: dict[str, str]) -> list[str]:
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def _last(said: str) -> str:
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing.")[:300]
