"""A machine that the system's ssh client reaches: a program runs there as root, or one sentence says why it does not."""

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
UNCONNECTED = 255  # how ssh ends where it is ssh that failed
AS_ROOT = "cellar:root"

# One quoted word, so that it does not matter which shell the user has there.
REMOTE = (
    'exec sh -c \'if [ "$(id -u)" = 0 ]; then exec sh -s; fi; '
    f"command -v sudo >/dev/null || {{ echo {ssh_said.NO_SUDO}; exit 1; }}; exec sudo -n sh -s'"
)

# What stands here wins over the configuration of who asks: nothing there can make an unknown key a known one.
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
    """Shows nothing."""


def _after_that(show: Show) -> Show:
    """Shows what comes once the program has begun: not what the machine says to everybody."""
    began = False

    def heard(line: str) -> None:
        nonlocal began
        if began:
            show(line)
        began = began or line.strip() == AS_ROOT

    return heard


@dataclass(frozen=True)
class Machine:
    """``known_hosts`` is a file with its host key, ``fingerprint`` names the key; else the files of who asks count."""

    address: str
    user: str = "root"
    port: int = 22
    identity: str | None = None
    known_hosts: str | None = None
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        for what, word in (("machine", self.address), ("user", self.user)):
            if not word or word.startswith("-") or not word.isprintable() or set(word) & set(" ,'\"`$\\"):
                raise Invalid(f"{word!r:.60} is no name of a {what}.")
        if not (isinstance(self.port, int) and 0 < self.port < 65536):
            raise Invalid(f"{self.port!r:.60} is no port: that is a number from 1 to 65535.")
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
        """How a program for sh ended there, as root, and what it said; each line is shown as it comes.

        It goes in by standard input: nothing of it is on a command line.
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
        """The options that say which host keys are known."""
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
        """The line of the host key with that fingerprint; none where nobody answers: ssh says why."""
        shown = self._shown()
        if shown and fingerprint not in shown:
            raise Failed(f"The host key of {self} is not {fingerprint} but {_named(shown)}: nothing was sent there.")
        return shown.get(fingerprint, "")

    def _shown(self) -> dict[str, str]:
        """The lines of the host keys that the machine shows, by their fingerprints, the ed25519 one first."""
        command = ["ssh-keyscan", "-T", str(CONNECT_S), "-p", str(self.port), "--", self.address]
        told = ended(command, "", 4 * CONNECT_S, str(self), _nobody)[1].splitlines()
        lines = sorted(told, key=lambda line: "ed25519" not in line)
        return {fingerprint_of(line): f"{line}\n" for line in lines if len(line.split()) == 3 and line[0] != "#"}

    def _why(self, code: int, said: str) -> str:
        """The sentence for a program that did not begin."""
        sentence = ssh_said.unconnected(said) if code == UNCONNECTED else ssh_said.no_root(said)
        shown = self._shown() if "{keys}" in sentence else {}
        told = {"machine": self, "address": self.address, "user": self.user, "identity": self.identity}
        return sentence.format(**told, last=_last(said), keys=_named(shown), key=next(iter(shown), "SHA256:…"))


def fingerprint_of(line: str) -> str:
    """The fingerprint of a line of known_hosts, as ssh-keygen -l writes it."""
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
